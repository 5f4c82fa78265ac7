"""Invoices, their lines, previews and extra items. https://docs.stripe.com/api/invoices

Since the basil versions an invoice's payments are a list of their own, and its subscription stands under `parent`:
read what comes back through `payments.stripe_objects`.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from payments.gateway.client import read, read_all, write
from payments.gateway.subscriptions import Proration
from payments.stripe_objects.fields import StripeObject

EXPAND = ["payments"]


def retrieve(*, invoice: str) -> StripeObject:
    """With its payments, and all of its lines (Stripe embeds only the first ten)."""
    data = read("invoices.retrieve", invoice, expand=EXPAND)
    if data["lines"].get("has_more"):
        data["lines"] = {
            **data["lines"],
            "data": list(read_all("invoices.line_items.list", invoice)),
            "has_more": False,
        }
    return data


def list_for(*, customer: str, subscription: str | None = None) -> list[StripeObject]:
    """All invoices of a customer, newest first."""
    return list(read_all("invoices.list", customer=customer, subscription=subscription, expand=["data.payments"]))


def list_since(*, since: datetime) -> list[StripeObject]:
    """All invoices created since then, newest first."""
    return list(read_all("invoices.list", created={"gte": int(since.timestamp())}, expand=["data.payments"]))


def preview_change(
    *,
    subscription: str,
    items: Sequence[Mapping[str, object]],
    proration_behavior: Proration = "always_invoice",
    proration_date: datetime | None = None,
    billing_cycle_anchor: str | None = None,
    trial_end: datetime | str | None = None,
) -> StripeObject:
    """What a change of a running subscription would cost, without making it. Items as in `subscriptions.update`."""
    details: dict[str, object] = {"items": [dict(item) for item in items], "proration_behavior": proration_behavior}
    if proration_date:
        details["proration_date"] = int(proration_date.timestamp())
    if billing_cycle_anchor:
        details["billing_cycle_anchor"] = billing_cycle_anchor
    if trial_end:
        details["trial_end"] = trial_end if isinstance(trial_end, str) else int(trial_end.timestamp())
    return read("invoices.create_preview", subscription=subscription, subscription_details=details)


def preview_new(
    *, customer: str, items: Sequence[Mapping[str, object]], trial_end: datetime | None = None
) -> StripeObject:
    """What the first invoice of a new subscription would be."""
    details: dict[str, object] = {"items": [dict(item) for item in items]}
    if trial_end:
        details["trial_end"] = int(trial_end.timestamp())
    return read("invoices.create_preview", customer=customer, subscription_details=details)


def preview_next(*, subscription: str) -> StripeObject:
    """The next renewal's invoice as it stands now."""
    return read("invoices.create_preview", subscription=subscription)


def create_item(
    *,
    customer: str,
    amount: int,
    currency: str,
    description: str,
    metadata: Mapping[str, str],
    idempotency_key: str,
    subscription: str | None = None,
    invoice: str | None = None,
    period: tuple[datetime, datetime] | None = None,
) -> StripeObject:
    """Put `amount` minor units (negative to give back) on the next invoice, or on a draft one."""
    return write(
        "invoice_items.create",
        idempotency_key=idempotency_key,
        customer=customer,
        amount=amount,
        currency=currency,
        description=description,
        metadata=dict(metadata),
        subscription=subscription,
        invoice=invoice,
        period={"start": int(period[0].timestamp()), "end": int(period[1].timestamp())} if period else None,
    )


def pay(*, invoice: str, idempotency_key: str, payment_method: str | None = None) -> StripeObject:
    """Try to collect an open invoice now. Raises `CardDeclined`."""
    return write(
        "invoices.pay",
        invoice,
        idempotency_key=idempotency_key,
        payment_method=payment_method,
        off_session=True,
        expand=EXPAND,
    )


def void(*, invoice: str, idempotency_key: str) -> StripeObject:
    """Nobody owes it any more; it stays on record."""
    return write("invoices.void_invoice", invoice, idempotency_key=idempotency_key)
