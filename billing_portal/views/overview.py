"""The first page of an organization: what is left, what was used, what happened last."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from heapq import nlargest

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.text import capfirst
from django.views.decorators.http import require_GET

from accounts.models import Organization
from accounts.permissions import Permission
from accounts.scoping import OrganizationRequest, organization_page
from credits.models import LedgerEntry, Wallet
from credits.presentation import Balance, EntryLine, balances_of, entry_lines
from plans.engine.terms import Terms
from plans.engine.windows import Window
from plans.models import Subscription
from plans.presentation import subscription_money, trial_line
from plans.terms_in_force import terms_for
from usage.presentation import meter_line, notice_of
from usage.services.entitlements import entitlements, meters_of

LATEST = 6
SOON = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class LatestLine:
    """A movement of one of the wallets; `unit` is empty where the amount says it itself, as money does."""

    entry: EntryLine
    unit: str
    unit_code: str


@organization_page(Permission.VIEW)
@require_GET
def overview(request: OrganizationRequest) -> HttpResponse:
    now, organization = timezone.now(), request.organization
    terms = terms_for(organization=organization, at=now)
    balances = balances_of(organization, now=now)
    answers = entitlements(organization=organization, meters=meters_of(organization=organization, now=now), now=now)
    meters = [meter_line(answer) for answer in answers]
    base, latest = Subscription.objects.base_of(organization), latest_lines(organization)
    return render(
        request,
        "billing_portal/overview.html",
        {
            "heading": time_left(terms.window, now),
            "plan_summary": plan_summary(terms, base),
            "meters": meters,
            "has_unpaid": any(line.unpaid for line in meters),
            "notices": [notice for answer in answers if (notice := notice_of(answer))]
            + ending(balances, organization, now),
            "is_new": base is None and not latest and not any(answer.snapshot.use.used for answer in answers),
            "balances": balances,
            "latest": latest,
            "now": now,
        },
    )


def time_left(window: Window, now: datetime) -> str:
    """`12 days left in this period`; in its last two days, hours."""
    left = window.end - now
    if left.days >= 2:
        return f"{left.days} days left in this period"
    hours = int(left.total_seconds() // 3600)
    return f"{hours} hours left in this period" if hours >= 2 else "This period ends within two hours"


def plan_summary(terms: Terms, base: Subscription | None) -> str:
    """`Pro, yearly, renews 3 December 2026 for $290.00`"""
    if base is None:
        return terms.plan_name or "No plan"
    name = f"{base.plan}, {base.get_interval_display().lower()}"
    if base.dunning_status != Subscription.DunningStatus.GOOD:
        return f"{name}, set back to {terms.plan_name or 'nothing'} until an overdue invoice is paid"
    if base.cancel_at is not None:
        return f"{name}, ends {base.cancel_at:%-d %B %Y}"
    if trial := trial_line(base):
        return f"{name}: {trial[0].lower()}{trial[1:]}"
    if base.current_period_end is not None:
        return f"{name}, renews {base.current_period_end:%-d %B %Y} for {subscription_money(base)}"
    return name


def ending(balances: Sequence[Balance], organization: Organization, now: datetime) -> list[dict[str, str]]:
    """Notices about credits that, spent as in the last weeks, are gone within a week."""
    return [
        {
            "tone": "warn",
            "title": f"{capfirst(balance.unit.name)} run out about {balance.runs_out_at:%A, %-d %B}",
            "body": f"{balance.amount} is left. At the pace of the last weeks that is less than a week's worth.",
            "label": "Buy credits",
            "url": f"{reverse('credits:buy', args=[organization.public_id])}?unit={balance.unit.code}",
        }
        for balance in balances
        if balance.runs_out_at is not None and balance.runs_out_at <= now + SOON
    ]


def latest_lines(organization: Organization) -> list[LatestLine]:
    """The newest movements of all wallets. Each wallet is asked for its own, which is one step in its index."""
    wallets = Wallet.objects.filter(organization=organization).select_related("unit")
    newest: list[LedgerEntry] = []
    for wallet in wallets:
        newest += wallet.entries.select_related("wallet__unit", "actor").order_by("-sequence")[:LATEST]
    return [
        LatestLine(
            entry=entry_lines([entry], entry.wallet.unit)[0],
            unit="" if entry.wallet.unit.currency else entry.wallet.unit.name,
            unit_code=entry.wallet.unit_id,
        )
        for entry in nlargest(LATEST, newest, key=lambda entry: entry.pk)
    ]
