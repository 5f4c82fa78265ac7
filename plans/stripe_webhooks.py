"""What plans do when an object at Stripe changes. Each handler picks the ids and calls a service.

How an event gets here: `payments/inbox/__init__.py`.
"""

from core.background import after_commit
from payments.inbox import ObjectChange, handles
from payments.stripe_objects import StripeCheckoutSession, StripeInvoice, StripeSubscription
from plans.services import checkout, invoices, subscriptions


@handles("customer.subscription.*")
def subscription_changed(change: ObjectChange) -> None:
    subscriptions.sync_subscription(view=StripeSubscription.of(change.data), now=change.now)


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
def invoice_changed(change: ObjectChange) -> None:
    if not change.data.get("deleted"):
        invoices.sync_invoice(view=StripeInvoice.of(change.data), event_created=change.event_created, now=change.now)


@handles("checkout.session.*")
def checkout_ended(change: ObjectChange) -> None:
    session = StripeCheckoutSession.of(change.data)
    if "plan_checkout" not in session.metadata:
        return
    if session.status == "expired":
        checkout.close_checkout(public_id=session.metadata["plan_checkout"])
    elif session.subscription:
        after_commit("plans.tasks.refresh_subscription", session.subscription)
