"""What plans do about Stripe's objects. Each handler picks the ids and calls a service."""

from datetime import datetime
from typing import Any

from accounts.background import after_commit
from payments.inbox import handles
from payments.mirror import CheckoutSessionView, InvoiceView, SubscriptionView
from plans.services import checkout, invoices, subscriptions


@handles("customer.subscription.*")
def subscription_changed(*, data: dict[str, Any], event_type: str, event_created: datetime, now: datetime) -> None:
    subscriptions.sync_subscription(view=SubscriptionView.of(data), now=now)


@handles(
    "invoice.created",
    "invoice.finalized",
    "invoice.marked_uncollectible",
    "invoice.paid",
    "invoice.payment_action_required",
    "invoice.payment_failed",
    "invoice.updated",
    "invoice.voided",
)
def invoice_changed(*, data: dict[str, Any], event_type: str, event_created: datetime, now: datetime) -> None:
    if not data.get("deleted"):
        invoices.note_invoice(view=InvoiceView.of(data), event_created=event_created, now=now)


@handles("checkout.session.*")
def checkout_ended(*, data: dict[str, Any], event_type: str, event_created: datetime, now: datetime) -> None:
    session = CheckoutSessionView.of(data)
    if "plan_checkout" not in session.metadata:
        return
    if session.status == "expired":
        checkout.close_checkout(public_id=session.metadata["plan_checkout"])
    elif session.subscription:
        after_commit("plans.tasks.take_over_subscription", session.subscription)
