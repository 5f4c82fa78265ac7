"""Subscriptions as version dahlia shapes them: periods stand on the items, not on the subscription."""

from dataclasses import dataclass
from datetime import datetime
from typing import Self

from payments.stripe_objects.fields import StripeObject, id_of, members, metadata_of, moment, time_of


@dataclass(frozen=True, slots=True)
class StripeSubscriptionItem:
    """Periods stand on items since basil: items of one subscription may renew on different days."""

    id: str
    price: str
    lookup_key: str | None
    product: str | None
    interval: str | None  # day, week, month, year
    interval_count: int
    unit_amount: int | None
    currency: str
    quantity: int | None  # None for metered prices
    is_metered: bool
    current_period_start: datetime
    current_period_end: datetime
    metadata: dict[str, str]

    @classmethod
    def of(cls, data: StripeObject) -> Self:
        price = data["price"]
        recurring = price.get("recurring") or {}
        return cls(
            id=data["id"],
            price=price["id"],
            lookup_key=price.get("lookup_key"),
            product=id_of(price.get("product")),
            interval=recurring.get("interval"),
            interval_count=recurring.get("interval_count") or 1,
            unit_amount=price.get("unit_amount"),
            currency=price["currency"],
            quantity=data.get("quantity"),
            is_metered=recurring.get("usage_type") == "metered",
            current_period_start=moment(data["current_period_start"]),
            current_period_end=moment(data["current_period_end"]),
            metadata=metadata_of(data),
        )


@dataclass(frozen=True, slots=True)
class StripeSubscription:
    """`status`: incomplete, incomplete_expired, trialing, active, past_due, canceled, unpaid, paused.

    Read the items here and never dj-stripe's item rows: those keep items that were removed.
    """

    id: str
    status: str
    customer: str | None
    items: list[StripeSubscriptionItem]
    currency: str
    created: datetime
    start_date: datetime
    billing_cycle_anchor: datetime
    cancel_at_period_end: bool
    cancel_at: datetime | None
    canceled_at: datetime | None
    ended_at: datetime | None
    trial_start: datetime | None
    trial_end: datetime | None
    latest_invoice: str | None
    default_payment_method: str | None
    schedule: str | None
    metadata: dict[str, str]

    @classmethod
    def of(cls, data: StripeObject) -> Self:
        return cls(
            id=data["id"],
            status=data["status"],
            customer=id_of(data.get("customer")),
            items=[StripeSubscriptionItem.of(item) for item in members(data["items"])],
            currency=data["currency"],
            created=moment(data["created"]),
            start_date=moment(data["start_date"]),
            billing_cycle_anchor=moment(data["billing_cycle_anchor"]),
            cancel_at_period_end=bool(data.get("cancel_at_period_end")),
            cancel_at=time_of(data.get("cancel_at")),
            canceled_at=time_of(data.get("canceled_at")),
            ended_at=time_of(data.get("ended_at")),
            trial_start=time_of(data.get("trial_start")),
            trial_end=time_of(data.get("trial_end")),
            latest_invoice=id_of(data.get("latest_invoice")),
            default_payment_method=id_of(data.get("default_payment_method")),
            schedule=id_of(data.get("schedule")),
            metadata=metadata_of(data),
        )

    @property
    def current_period_start(self) -> datetime | None:
        """The latest start among the items; None without items."""
        return max((item.current_period_start for item in self.items), default=None)

    @property
    def current_period_end(self) -> datetime | None:
        """The earliest end among the items: the next moment at which something renews."""
        return min((item.current_period_end for item in self.items), default=None)

    @property
    def has_ended(self) -> bool:
        return self.status in ("canceled", "incomplete_expired")
