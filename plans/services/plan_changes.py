"""Changing what is subscribed to: more at once and invoiced, less at the renewal.

A change is a row before Stripe hears of it; its number is the idempotency key. If the answer is lost, the same request
(or the hourly round) goes on with the same row.
"""

from contextlib import suppress
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F

from accounts.models import Organization, User
from core.errors import PortalError, Unavailable
from core.locks import for_update
from payments.gateway import subscriptions as stripe_subscriptions
from payments.gateway.subscriptions import ItemParams
from plans.errors import ChangeUnderWay, NothingToChange, PaymentOverdue
from plans.models import Interval, PlanChange, Subscription
from plans.services.quotes import Quote, quote_change, require_base
from plans.services.selections import Selection, change_items, selection_of, stripe_items
from plans.services.stripe_refresh import refresh_subscription
from plans.services.terms_periods import sync_terms_periods

RESUMED_AFTER = timedelta(minutes=2)


def change_plan(
    *,
    organization: Organization,
    selection: Selection,
    quote: Quote | None = None,
    user: User | None = None,
    now: datetime,
) -> PlanChange:
    """Put the organization's subscription on the selection: at once, or planned for the renewal, as the quote says.

    With a `quote` that the customer has seen, what is charged is what was shown. Raises NoSubscription,
    NothingToChange, ChangeUnderWay, PaymentOverdue, and what the card or Stripe says (`CardDeclined`: nothing has
    changed).
    """
    quote = quote or quote_change(organization=organization, selection=selection, now=now)
    change = _begin(organization, quote, user, now)
    return carry_out(change=change, now=now)


def carry_out(*, change: PlanChange, now: datetime) -> PlanChange:
    """Send a pending change to Stripe, and save the subscription that comes of it. Repeating it is harmless."""
    subscription = change.subscription
    selection = Selection(change.to_plan, change.to_interval, change.to_quantity)
    try:
        items = stripe_items(selection=selection, organization=subscription.organization)
        if change.timing == PlanChange.Timing.NOW:
            _change_now(change, items)
        else:
            _plan_for_renewal(change, items)
    except Unavailable:
        raise
    except PortalError as refusal:
        _finish(change, PlanChange.Status.FAILED, now, failure=refusal.message[:500])
        raise
    if change.timing == PlanChange.Timing.RENEWAL:
        _finish(change, PlanChange.Status.SCHEDULED, now)
    refresh_subscription(stripe_id=subscription.stripe_id, now=now)
    change.refresh_from_db()
    return change


def cancel_change(*, change: PlanChange, now: datetime) -> PlanChange:
    """Take a planned change back: everything stays as it is. Taking it back twice is harmless."""
    if change.status != PlanChange.Status.SCHEDULED:
        return change
    stripe_subscriptions.release_schedule(
        schedule=change.stripe_schedule_id, idempotency_key=f"{change.idempotency_key}:release"
    )
    with transaction.atomic():
        _finish(change, PlanChange.Status.CANCELLED, now)
        sync_terms_periods(organization=change.subscription.organization, now=now)
    refresh_subscription(stripe_id=change.subscription.stripe_id, now=now)
    change.refresh_from_db()
    return change


def update_open_change(*, subscription: Subscription, has_schedule: bool, now: datetime) -> None:
    """What Stripe's fresh state of the subscription means for its open change: in force, taken back, or still open.

    Called in the transaction that saves that state.
    """
    change = for_update(PlanChange.objects.open().filter(subscription=subscription)).first()
    if change is None:
        return
    arrived = selection_of(subscription) == Selection(change.to_plan, change.to_interval, change.to_quantity)
    if arrived:
        _finish(change, PlanChange.Status.APPLIED, now)
    elif not subscription.is_live:
        _finish(change, PlanChange.Status.CANCELLED, now, failure="The subscription ended before.")
    elif change.status == PlanChange.Status.SCHEDULED and not has_schedule:
        _finish(change, PlanChange.Status.CANCELLED, now, failure="Taken back at Stripe.")


def release_schedules(*, organization: Organization, now: datetime) -> None:
    """Release schedules whose change is in force: a subscription under a schedule cannot be changed any other way."""
    done = PlanChange.objects.filter(
        subscription__organization=organization,
        status=PlanChange.Status.APPLIED,
        stripe_schedule_id=F("subscription__stripe_schedule_id"),
    ).exclude(stripe_schedule_id="")
    for change in done.select_related("subscription"):
        stripe_subscriptions.release_schedule(
            schedule=change.stripe_schedule_id, idempotency_key=f"{change.idempotency_key}:release"
        )
        refresh_subscription(stripe_id=change.subscription.stripe_id, now=now)


def resume_pending(*, now: datetime) -> list[PlanChange]:
    """Send again the changes whose answer from Stripe was lost; returns those that went through."""
    lost = PlanChange.objects.filter(status=PlanChange.Status.PENDING, created_at__lte=now - RESUMED_AFTER)
    resumed = []
    for change in lost.select_related("subscription__organization", "to_plan"):
        with suppress(PortalError):  # it is tried again in an hour
            resumed.append(carry_out(change=change, now=now))
    return resumed


@transaction.atomic
def _begin(organization: Organization, quote: Quote, user: User | None, now: datetime) -> PlanChange:
    for_update(Organization.objects.filter(pk=organization.pk)).get()
    subscription = require_base(organization)
    if subscription.dunning_cases.open().exists():
        raise PaymentOverdue("An invoice is overdue. Pay it first, then change the plan.")
    wanted = quote.selection
    if selection_of(subscription) == wanted:
        raise NothingToChange(f"The organization already has {wanted}.")
    under_way = PlanChange.objects.open().filter(subscription=subscription).first()
    if under_way is not None:
        same = (under_way.to_plan_id, under_way.to_interval, under_way.to_quantity) == (
            wanted.plan.pk,
            wanted.interval,
            wanted.quantity,
        )
        if same and under_way.status == PlanChange.Status.PENDING:
            return under_way
        raise ChangeUnderWay(
            f"A change to {under_way.to_plan} is already {under_way.get_status_display().lower()}. "
            "Take it back on the plan page, or wait until it is in force.",
            to=under_way.to_plan.code,
            effective_at=under_way.effective_at.isoformat(),
        )
    return PlanChange.objects.create(
        subscription=subscription,
        from_plan=subscription.plan,
        from_interval=subscription.interval,
        from_quantity=subscription.quantity,
        to_plan=wanted.plan,
        to_interval=wanted.interval,
        to_quantity=wanted.quantity,
        timing=quote.timing,
        effective_at=quote.effective_at,
        amount_due=quote.due_now.amount,
        currency=quote.due_now.currency,
        requested_by=user,
        created_at=now,
    )


def _change_now(change: PlanChange, items: list[ItemParams]) -> None:
    subscription = change.subscription
    stripe_subscriptions.update(
        subscription=subscription.stripe_id,
        items=change_items(subscription=subscription, items=items),
        proration_behavior="always_invoice",
        # The second of the preview: what is charged is what was shown.
        proration_date=change.effective_at,
        payment_behavior="error_if_incomplete",
        # Whoever changes a plan wants it: a cancellation that was planned is off.
        cancel_at_period_end=False if subscription.cancel_at else None,
        idempotency_key=change.idempotency_key,
    )


def _plan_for_renewal(change: PlanChange, items: list[ItemParams]) -> None:
    """A schedule of two phases: what runs now until the renewal, then the selection; after that Stripe releases it."""
    subscription = change.subscription
    if not change.stripe_schedule_id:
        schedule = stripe_subscriptions.create_schedule(
            subscription=subscription.stripe_id, idempotency_key=f"{change.idempotency_key}:schedule"
        )
        change.stripe_schedule_id = schedule["id"]
        change.save(update_fields=["stripe_schedule_id"])
    present = [
        {"price": item.stripe_price_id} | ({"quantity": item.quantity} if item.quantity is not None else {})
        for item in subscription.items.all()
    ]
    assert subscription.current_period_start is not None
    start, renewal = int(subscription.current_period_start.timestamp()), int(change.effective_at.timestamp())
    stripe_subscriptions.update_schedule(
        schedule=change.stripe_schedule_id,
        phases=[
            {"items": present, "start_date": start, "end_date": renewal, "proration_behavior": "none"},
            {
                "items": items,
                "start_date": renewal,
                "duration": {"interval": Interval(change.to_interval).value, "interval_count": 1},
                "proration_behavior": "none",
            },
        ],
        idempotency_key=f"{change.idempotency_key}:phases",
    )


def _finish(change: PlanChange, status: str, now: datetime, failure: str = "") -> None:
    """Store how an open change ended; one that was finished in the meantime stays as it is."""
    finished = None if status == PlanChange.Status.SCHEDULED else now
    changed = (
        PlanChange.objects.open().filter(pk=change.pk).update(status=status, finished_at=finished, failure=failure)
    )
    if changed:
        change.refresh_from_db()
