"""Repair what lost webhooks left out: compare Stripe's last days with our purchases, refunds and disputes."""

from datetime import datetime

from credits.models import Dispute, Purchase, Refund
from credits.services.disputes import follow_dispute
from credits.services.fulfilment import follow_checkout
from credits.services.recurring_packs import grant_paid_lines
from credits.services.refunds import follow_refund
from credits.services.top_ups import follow_top_up
from payments import gateway
from payments.stripe_objects import (
    StripeCheckoutSession,
    StripeDispute,
    StripeInvoice,
    StripePaymentIntent,
    StripeRefund,
)


def reconcile_purchases(*, since: datetime, now: datetime) -> list[str]:
    """Payments that are in at Stripe and not here, by whatever door they were made."""
    repaired: list[str] = []
    for data in gateway.checkout.list_since(since=since):
        purchase = Purchase.objects.named_by(data.get("metadata") or {})
        if purchase is None or purchase.status == Purchase.Status.PAID:
            continue
        session = StripeCheckoutSession.of(gateway.checkout.retrieve(session=data["id"]))
        after = follow_checkout(purchase=purchase, session=session, now=now)
        if after.status != purchase.status:
            repaired.append(f"{purchase.public_id} is {after.get_status_display()}")
    for data in gateway.payments.list_since(since=since):
        purchase = Purchase.objects.named_by(data.get("metadata") or {})
        if purchase is None or purchase.kind != Purchase.Kind.TOP_UP or purchase.status == Purchase.Status.PAID:
            continue
        after = follow_top_up(purchase=purchase, intent=StripePaymentIntent.of(data), now=now)
        if after.status != purchase.status:
            repaired.append(f"{purchase.public_id} is {after.get_status_display()}")
    for data in gateway.invoices.list_since(since=since):
        known = set(
            Purchase.objects.filter(invoice=data["id"], status=Purchase.Status.PAID).values_list("pk", flat=True)
        )
        for purchase in grant_paid_lines(invoice=StripeInvoice.of(data), now=now):
            if purchase.pk not in known:
                repaired.append(f"{purchase.public_id} is paid by {data['id']}")
    return repaired


def reconcile_refunds(*, since: datetime, now: datetime) -> list[str]:
    repaired: list[str] = []
    for data in gateway.refunds.list_since(since=since):
        stripe_refund = StripeRefund.of(data)
        before = Refund.objects.filter(stripe_refund=stripe_refund.id).values_list("status", flat=True).first()
        after = follow_refund(stripe_refund=stripe_refund, now=now)
        if after is not None and after.status != before:
            repaired.append(f"{after.public_id} is {after.get_status_display()}")
    return repaired


def reconcile_disputes(*, since: datetime, now: datetime) -> list[str]:
    repaired: list[str] = []
    for data in gateway.refunds.list_disputes_since(since=since):
        stripe_dispute = StripeDispute.of(data)
        before = Dispute.objects.filter(stripe_dispute=stripe_dispute.id).values_list("status", flat=True).first()
        after = follow_dispute(stripe_dispute=stripe_dispute, now=now)
        if after is not None and after.status != before:
            repaired.append(f"dispute {stripe_dispute.id} is {after.get_status_display()}")
    return repaired


def follow_money_of(*, purchase: Purchase, now: datetime) -> None:
    """All refunds and disputes of one payment, whose events came before the payment's own."""
    if purchase.payment_intent is None:
        return
    for data in gateway.refunds.list_for(payment_intent=purchase.payment_intent):
        follow_refund(stripe_refund=StripeRefund.of(data), now=now)
    for data in gateway.refunds.list_disputes_since(since=purchase.created_at):
        if (stripe_dispute := StripeDispute.of(data)).payment_intent == purchase.payment_intent:
            follow_dispute(stripe_dispute=stripe_dispute, now=now)
