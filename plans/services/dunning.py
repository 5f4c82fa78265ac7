"""Dunning, step by step: Stripe tries again, the customer is written to, the plan is set back, and in the end the
organization is suspended. Paying undoes all of it, at any time. Stripe retries; we never cancel there. A recurring
pack's steps end with the letter: nothing but its own credits depends on it.
"""

from datetime import datetime

from django.db import transaction

from accounts.models import Organization
from core.locks import for_update
from credits.models import PackSubscription
from payments.stripe_objects import StripeInvoice
from plans import announcements
from plans.models import DunningCase, DunningStep, Subscription
from plans.services.terms_periods import sync_terms_periods

Kind = DunningStep.Kind
# What follows the first, second and third failed attempt to collect; later ones are retries like the first.
STEP_AFTER_FAILED_ATTEMPT = {1: Kind.RETRY, 2: Kind.EMAIL, 3: Kind.DOWNGRADE}
NOT_OWED = ("void", "uncollectible")


@transaction.atomic
def sync_case(
    *, view: StripeInvoice, subscription: Subscription | PackSubscription, failed_at: datetime, now: datetime
) -> DunningCase | None:
    """Bring an invoice's case in line with Stripe's fresh state of it: open it, take its next steps, or close it when
    it is paid.

    `failed_at` is when Stripe says the attempt failed. Steps are keyed by (invoice, attempt): in whatever order and
    however often the state comes, each is taken once. A subscription whose first payment is still open never began: no
    case.
    """
    for_update(Organization.objects.filter(pk=subscription.organization_id)).get()
    known = DunningCase.objects.select_related("organization", "subscription__plan", "pack_subscription__pack")
    case = known.filter(stripe_invoice_id=view.id).first()
    if view.is_paid or view.status in NOT_OWED:
        return _resolve(case, view, now) if case else None
    if view.status != "open" or not view.attempt_count or not _has_begun(subscription, view):
        return case
    if case is None:
        of_plan = isinstance(subscription, Subscription)
        case = DunningCase(
            organization=subscription.organization,
            stripe_invoice_id=view.id or "",
            first_failed_at=min(failed_at, now),
            **{"subscription" if of_plan else "pack_subscription": subscription},
        )
    case.invoice_number = view.number or ""
    case.hosted_invoice_url = view.hosted_invoice_url or ""
    case.amount_due, case.currency = view.amount_remaining, view.currency
    case.attempts, case.next_attempt_at = max(case.attempts, view.attempt_count), view.next_payment_attempt
    case.state, case.resolved_at = DunningCase.State.OPEN, None
    case.save()
    for attempt in range(1, case.attempts + 1):
        _take_step(case, attempt, now)
    return case


def _has_begun(subscription: Subscription | PackSubscription, view: StripeInvoice) -> bool:
    if isinstance(subscription, Subscription):
        return subscription.is_live
    return view.billing_reason == "subscription_cycle"


def run_dunning(*, now: datetime) -> list[DunningCase]:
    """Suspend what has been unpaid for 14 days; returns the cases that got there. Running it twice suspends once."""
    suspended = []
    for pk in list(DunningCase.objects.due_for_suspension(at=now).values_list("pk", flat=True)):
        if case := _suspend(pk, now):
            suspended.append(case)
    return suspended


def _take_step(case: DunningCase, attempt: int, now: datetime) -> None:
    subscription = case.subscription
    kind = STEP_AFTER_FAILED_ATTEMPT.get(attempt, Kind.RETRY)
    if kind == Kind.DOWNGRADE and subscription is None:
        kind = Kind.RETRY
    _step, is_new = DunningStep.objects.get_or_create(
        case=case, attempt=attempt, defaults={"kind": kind, "taken_at": now}
    )
    if not is_new:
        return
    announcements.announce_failed_attempt(case=case, attempt=attempt, now=now)
    if kind == Kind.EMAIL:
        announcements.announce_reminder(case=case, now=now)
    elif kind == Kind.DOWNGRADE and subscription and subscription.dunning_status == Subscription.DunningStatus.GOOD:
        # Not what an earlier unpaid invoice has taken away already, or more than that.
        _set_dunning_status(subscription, Subscription.DunningStatus.DOWNGRADED, now)
        announcements.announce_downgrade(case=case, now=now)


@transaction.atomic
def _suspend(pk: int, now: datetime) -> DunningCase | None:
    found = DunningCase.objects.get(pk=pk)
    for_update(Organization.objects.filter(pk=found.organization_id)).get()
    due = DunningCase.objects.due_for_suspension(at=now).select_related("organization", "subscription__plan")
    case = due.filter(pk=pk).first()
    if case is None or case.subscription is None:
        return None
    DunningStep.objects.create(case=case, attempt=None, kind=Kind.SUSPEND, taken_at=now)
    _set_dunning_status(case.subscription, Subscription.DunningStatus.SUSPENDED, now)
    if case.subscription.role == Subscription.Role.BASE:
        Organization.objects.filter(pk=case.organization_id).update(suspended_at=now)
        announcements.announce_suspension(case=case, now=now)
    return case


def _resolve(case: DunningCase, view: StripeInvoice, now: datetime) -> DunningCase:
    """Paid, or not owed any more: what was taken away for it comes back, unless another invoice is overdue."""
    if case.state != DunningCase.State.OPEN:
        return case
    case.state = DunningCase.State.PAID if view.is_paid else DunningCase.State.CLOSED
    case.resolved_at, case.next_attempt_at, case.amount_due = now, None, view.amount_remaining
    case.attempts = max(case.attempts, view.attempt_count)
    case.save()
    subscription = case.subscription
    if subscription is None or subscription.dunning_cases.open().exists():
        return case
    was_in_force = subscription.dunning_status == Subscription.DunningStatus.GOOD
    _set_dunning_status(subscription, Subscription.DunningStatus.GOOD, now)
    if not was_in_force:
        announcements.announce_restored_plan(case=case, now=now)
    _lift_suspension(case, now)
    return case


def _lift_suspension(case: DunningCase, now: datetime) -> None:
    organization = case.organization
    still_suspended = Subscription.objects.filter(
        organization=organization, role=Subscription.Role.BASE, dunning_status=Subscription.DunningStatus.SUSPENDED
    )
    if still_suspended.exists():
        return
    if Organization.objects.filter(pk=organization.pk, suspended_at__isnull=False).update(suspended_at=None):
        announcements.announce_restoration(case=case, now=now)


def _set_dunning_status(subscription: Subscription, status: str, now: datetime) -> None:
    if subscription.dunning_status == status:
        return
    before = announcements.subscription_data(subscription)
    subscription.dunning_status = status
    subscription.save(update_fields=["dunning_status"])
    sync_terms_periods(organization=subscription.organization, now=now)
    announcements.announce_subscription(subscription=subscription, before=before, now=now)
