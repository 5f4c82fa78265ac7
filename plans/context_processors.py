"""Banners of an organization's pages: what is overdue, what ends soon."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from accounts.models import Membership, Organization
from accounts.permissions import Permission, may
from plans.models import DunningCase, Subscription

TRIAL_ENDS_SOON = timedelta(days=3)


@dataclass(frozen=True, slots=True)
class Banner:
    """What `components/notice.html` shows."""

    tone: str
    title: str
    body: str
    action_label: str = ""
    action_url: str = ""


def banners(request: HttpRequest) -> dict[str, object]:
    """Only on pages of an organization, and for those who can do something about it with a way to do it."""
    membership: Membership | None = getattr(request, "membership", None)
    if membership is None:
        return {}
    can_act = may(membership.role, Permission.MANAGE_PLAN)
    return {"banners": list(banners_of(membership.organization, can_act=can_act, now=timezone.now()))}


def banners_of(organization: Organization, *, can_act: bool, now: datetime) -> list[Banner]:
    cases = DunningCase.objects.open().filter(organization=organization)
    whole = cases.select_related("organization", "subscription__plan", "pack_subscription__pack")
    found = [_overdue(case, can_act) for case in whole]
    ending = Subscription.objects.filter(
        organization=organization,
        status=Subscription.Status.TRIALING,
        cancel_at=None,
        trial_end__gt=now,
        trial_end__lte=now + TRIAL_ENDS_SOON,
    )
    return found + [_trial(subscription, can_act) for subscription in ending.select_related("plan", "organization")]


def _overdue(case: DunningCase, can_act: bool) -> Banner:
    subscription = case.subscription
    label, address = "", ""
    if can_act:
        label, address = f"Pay {case.money}", case.hosted_invoice_url
    retry = f"We try again on {case.next_attempt_at:%-d %b %Y, %H:%M} UTC. " if case.next_attempt_at else ""
    if subscription is None:
        body = f"{retry}Its credits come once it is paid; nothing else depends on it."
        return Banner("warn", f"{case.money} for {case.what} could not be collected", body, label, address)
    suspends = f"{case.suspends_at:%-d %b %Y, %H:%M} UTC"
    if subscription.dunning_status == Subscription.DunningStatus.SUSPENDED:
        body = "Usage is refused until it is paid. Nothing is deleted."
        title = f"{case.organization} is suspended: {case.money} is overdue"
        if subscription.role == Subscription.Role.COMPANION:
            title, body = f"{case.money} is overdue", "What is billed by the month has stopped until it is paid."
        return Banner("bad", title, body, label, address)
    if subscription.dunning_status == Subscription.DunningStatus.DOWNGRADED:
        body = f"{subscription.plan} is off until it is paid; on {suspends} the organization is suspended."
        if subscription.role == Subscription.Role.COMPANION:
            body = "What is billed by the month has stopped until it is paid. Your plan itself stays."
        return Banner("bad", f"{case.money} is overdue", body, label, address)
    body = f"{retry}Check the card, or pay now: everything goes on as before."
    return Banner("warn", f"{case.money} for {subscription.plan} could not be collected", body, label, address)


def _trial(subscription: Subscription, can_act: bool) -> Banner:
    ends = f"{subscription.trial_end:%-d %b %Y, %H:%M} UTC"
    address = reverse("plans:plan", args=[subscription.organization.public_id]) if can_act else ""
    body = f"After that {subscription.plan} is charged to your saved card, unless you cancel before."
    return Banner("info", f"Your trial ends on {ends}", body, "See your plan" if can_act else "", address)
