"""What credits do about Stripe's objects: find our row, call a service."""

from datetime import datetime
from typing import Any

from credits.models import Purchase
from credits.services.disputes import follow_dispute
from credits.services.fulfilment import follow_checkout
from credits.services.recurring import follow_pack_subscription, grant_paid_lines, tell_of_unpaid_renewal
from credits.services.refunds import follow_refund
from credits.services.topups import follow_top_up
from payments.inbox import handles
from payments.mirror import (
    CheckoutSessionView,
    DisputeView,
    InvoiceView,
    PaymentIntentView,
    RefundView,
    SubscriptionView,
)


@handles("checkout.session.*")
def checkout_session_changed(*, data: dict[str, Any], event_type: str, event_created: datetime, now: datetime) -> None:
    session = CheckoutSessionView.of(data)
    purchase = Purchase.objects.named_by(session.metadata)
    if purchase is not None:
        follow_checkout(purchase=purchase, session=session, now=now)


@handles("payment_intent.*")
def payment_intent_changed(*, data: dict[str, Any], event_type: str, event_created: datetime, now: datetime) -> None:
    intent = PaymentIntentView.of(data)
    purchase = Purchase.objects.named_by(intent.metadata)
    if purchase is not None and purchase.kind == Purchase.Kind.TOP_UP:
        follow_top_up(purchase=purchase, intent=intent, now=now)


@handles("invoice.paid", "invoice.payment_succeeded", "invoice.updated")
def invoice_paid(*, data: dict[str, Any], event_type: str, event_created: datetime, now: datetime) -> None:
    grant_paid_lines(invoice=InvoiceView.of(data), now=now)


@handles("invoice.payment_failed")
def invoice_unpaid(*, data: dict[str, Any], event_type: str, event_created: datetime, now: datetime) -> None:
    tell_of_unpaid_renewal(invoice=InvoiceView.of(data), now=now)


@handles("customer.subscription.*")
def subscription_changed(*, data: dict[str, Any], event_type: str, event_created: datetime, now: datetime) -> None:
    follow_pack_subscription(view=SubscriptionView.of(data), now=now)


@handles("refund.*")
def refund_changed(*, data: dict[str, Any], event_type: str, event_created: datetime, now: datetime) -> None:
    follow_refund(view=RefundView.of(data), now=now)


@handles("charge.dispute.*")
def dispute_changed(*, data: dict[str, Any], event_type: str, event_created: datetime, now: datetime) -> None:
    follow_dispute(view=DisputeView.of(data), now=now)
