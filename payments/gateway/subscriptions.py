"""Subscriptions and their schedules.

https://docs.stripe.com/api/subscriptions and https://docs.stripe.com/api/subscription_schedules
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Literal, TypedDict

from payments.gateway.client import read, read_all, write
from payments.stripe_objects.fields import StripeObject

Proration = Literal["always_invoice", "create_prorations", "none"]
PaymentBehavior = Literal["allow_incomplete", "default_incomplete", "error_if_incomplete", "pending_if_incomplete"]
EXPAND = ["latest_invoice"]


class ItemParams(TypedDict, total=False):
    """An item as Stripe takes it: a price, and a quantity unless it is metered. In a change, `id` names a present item,
    and `deleted` removes it.
    """

    id: str
    price: str
    quantity: int
    deleted: bool


def create(
    *,
    customer: str,
    items: Sequence[Mapping[str, object]],
    metadata: Mapping[str, str],
    idempotency_key: str,
    default_payment_method: str | None = None,
    payment_behavior: PaymentBehavior = "error_if_incomplete",
    billing_cycle_anchor: datetime | None = None,
    proration_behavior: Proration | None = None,
    trial_end: datetime | None = None,
    description: str | None = None,
) -> StripeObject:
    """Subscribe with a saved card. By default a declined card raises `CardDeclined` and leaves no subscription."""
    return write(
        "subscriptions.create",
        idempotency_key=idempotency_key,
        customer=customer,
        items=[dict(item) for item in items],
        metadata=dict(metadata),
        default_payment_method=default_payment_method,
        payment_behavior=payment_behavior,
        off_session=True,
        billing_cycle_anchor=_timestamp(billing_cycle_anchor),
        proration_behavior=proration_behavior,
        trial_end=_timestamp(trial_end),
        description=description,
        expand=EXPAND,
    )


def retrieve(*, subscription: str) -> StripeObject:
    """A cancelled one comes back too, with `status: canceled`."""
    return read("subscriptions.retrieve", subscription)


def list_all(*, customer: str | None = None, since: datetime | None = None) -> list[StripeObject]:
    """In every status, newest first."""
    created = {"gte": int(since.timestamp())} if since else None
    return list(read_all("subscriptions.list", status="all", customer=customer, created=created))


def update(
    *,
    subscription: str,
    idempotency_key: str,
    items: Sequence[Mapping[str, object]] | None = None,
    proration_behavior: Proration | None = None,
    proration_date: datetime | None = None,
    payment_behavior: PaymentBehavior | None = None,
    billing_cycle_anchor: Literal["now", "unchanged"] | None = None,
    cancel_at_period_end: bool | None = None,
    default_payment_method: str | None = None,
    metadata: Mapping[str, str] | None = None,
    trial_end: datetime | Literal["now"] | None = None,
) -> StripeObject:
    """Change items and terms. An item is changed by its `id`, removed with `deleted: True`, added without one.

    `proration_date` should be the preview's, so that what is charged is what was shown. With
    `payment_behavior="error_if_incomplete"` a declined card raises `CardDeclined` and changes nothing.
    """
    return write(
        "subscriptions.update",
        subscription,
        idempotency_key=idempotency_key,
        items=[dict(item) for item in items] if items is not None else None,
        proration_behavior=proration_behavior,
        proration_date=_timestamp(proration_date),
        payment_behavior=payment_behavior,
        billing_cycle_anchor=billing_cycle_anchor,
        cancel_at_period_end=cancel_at_period_end,
        default_payment_method=default_payment_method,
        metadata=dict(metadata) if metadata is not None else None,
        trial_end=trial_end if trial_end == "now" else _timestamp(trial_end),
        expand=EXPAND,
    )


def cancel(
    *, subscription: str, idempotency_key: str, prorate: bool = False, invoice_now: bool = False
) -> StripeObject:
    """End it at once. To end it with the period, `update(cancel_at_period_end=True)`."""
    return write(
        "subscriptions.cancel", subscription, idempotency_key=idempotency_key, prorate=prorate, invoice_now=invoice_now
    )


def create_schedule(*, subscription: str, idempotency_key: str) -> StripeObject:
    """Put a running subscription under a schedule; its first phase is what is running now."""
    return write("subscription_schedules.create", idempotency_key=idempotency_key, from_subscription=subscription)


def update_schedule(
    *,
    schedule: str,
    phases: Sequence[Mapping[str, object]],
    idempotency_key: str,
    end_behavior: Literal["release", "cancel"] = "release",
    proration_behavior: Proration = "none",
    metadata: Mapping[str, str] | None = None,
) -> StripeObject:
    """What is to change at renewal: the running phase, then the next one. After that Stripe releases the schedule."""
    return write(
        "subscription_schedules.update",
        schedule,
        idempotency_key=idempotency_key,
        phases=[dict(phase) for phase in phases],
        end_behavior=end_behavior,
        proration_behavior=proration_behavior,
        metadata=dict(metadata) if metadata is not None else None,
    )


def release_schedule(*, schedule: str, idempotency_key: str) -> StripeObject:
    """Drop the planned change; the subscription stays as it is."""
    return write("subscription_schedules.release", schedule, idempotency_key=idempotency_key)


def retrieve_schedule(*, schedule: str) -> StripeObject:
    return read("subscription_schedules.retrieve", schedule)


def _timestamp(moment: datetime | None) -> int | None:
    return int(moment.timestamp()) if moment else None
