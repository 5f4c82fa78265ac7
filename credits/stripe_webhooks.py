"""What credits do when an object at Stripe changes: find our row, call a service.

How an event gets here: `payments/inbox/__init__.py`. `change.data` is the object as Stripe has it now, with what
`ObjectChange` lists inside.
"""

from credits.models import Purchase
from credits.services.disputes import follow_dispute
from credits.services.fulfilment import follow_checkout
from credits.services.recurring_packs import follow_pack_subscription, grant_paid_lines, notify_of_unpaid_renewal
from credits.services.refunds import follow_refund
from credits.services.top_ups import follow_top_up
from payments.inbox import ObjectChange, handles
from payments.stripe_objects import (
    StripeCheckoutSession,
    StripeDispute,
    StripeInvoice,
    StripePaymentIntent,
    StripeRefund,
    StripeSubscription,
)


@handles("checkout.session.*")
def checkout_session_changed(change: ObjectChange) -> None:
    session = StripeCheckoutSession.of(change.data)
    purchase = Purchase.objects.named_by(session.metadata)
    if purchase is not None:
        follow_checkout(purchase=purchase, session=session, now=change.now)


@handles("payment_intent.*")
def payment_intent_changed(change: ObjectChange) -> None:
    intent = StripePaymentIntent.of(change.data)
    purchase = Purchase.objects.named_by(intent.metadata)
    if purchase is not None and purchase.kind == Purchase.Kind.TOP_UP:
        follow_top_up(purchase=purchase, intent=intent, now=change.now)


@handles("invoice.paid", "invoice.payment_succeeded", "invoice.updated")
def invoice_paid(change: ObjectChange) -> None:
    """Of recurring packs; the receipt invoice of a pack bought once is of no subscription, and grants nothing."""
    grant_paid_lines(invoice=StripeInvoice.of(change.data), now=change.now)


@handles("invoice.payment_failed")
def invoice_unpaid(change: ObjectChange) -> None:
    notify_of_unpaid_renewal(invoice=StripeInvoice.of(change.data), now=change.now)


@handles("customer.subscription.*")
def subscription_changed(change: ObjectChange) -> None:
    follow_pack_subscription(stripe_subscription=StripeSubscription.of(change.data), now=change.now)


@handles("refund.*")
def refund_changed(change: ObjectChange) -> None:
    follow_refund(stripe_refund=StripeRefund.of(change.data), now=change.now)


@handles("charge.dispute.*")
def dispute_changed(change: ObjectChange) -> None:
    follow_dispute(stripe_dispute=StripeDispute.of(change.data), now=change.now)
