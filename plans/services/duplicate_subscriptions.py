"""Two subscriptions where there should be one: the second is ended, and its payment refunded."""

from datetime import datetime

from accounts.models import Organization
from payments.gateway import invoices as stripe_invoices
from payments.gateway import refunds as stripe_refunds
from payments.gateway import subscriptions as stripe_subscriptions
from payments.stripe_objects import StripeInvoice, StripeRefund
from plans.models import Subscription
from plans.services.stripe_refresh import refresh_subscription


def refund_duplicates(*, organization: Organization, now: datetime) -> list[Subscription]:
    """End what was bought twice, refund it in full, and return it. If the first subscription has ended meanwhile, the
    second takes its place and nothing is refunded.
    """
    refunded = []
    duplicates = Subscription.objects.live().filter(organization=organization, role=Subscription.Role.DUPLICATE)
    for duplicate in duplicates:
        base = Subscription.objects.base_of(organization)
        if base:
            refresh_subscription(stripe_id=base.stripe_id, now=now)
        refresh_subscription(stripe_id=duplicate.stripe_id, now=now)
        duplicate.refresh_from_db()
        if duplicate.role == Subscription.Role.DUPLICATE and duplicate.is_live:
            _refund_and_end(duplicate, now)
            refunded.append(duplicate)
    return refunded


def _refund_and_end(duplicate: Subscription, now: datetime) -> None:
    """The refund comes first: a subscription that has ended is not looked at again."""
    invoice = StripeInvoice.of(stripe_invoices.retrieve(invoice=duplicate.latest_invoice_id))
    for payment in invoice.payments:
        if payment.status == "paid" and payment.payment_intent and payment.amount_paid:
            _refund(duplicate, payment.payment_intent, payment.amount_paid)
    stripe_subscriptions.cancel(
        subscription=duplicate.stripe_id, idempotency_key=f"duplicate:{duplicate.stripe_id}:cancel"
    )
    refresh_subscription(stripe_id=duplicate.stripe_id, now=now)


def _refund(duplicate: Subscription, payment_intent: str, paid: int) -> None:
    """What has not been refunded yet: an earlier try may have got through, however long ago."""
    known = [StripeRefund.of(data) for data in stripe_refunds.list_for(payment_intent=payment_intent)]
    left = paid - sum(refund.amount for refund in known if not refund.has_failed)
    if left > 0:
        stripe_refunds.create(
            payment_intent=payment_intent,
            amount=left,
            metadata={"organization": duplicate.organization.public_id, "reason": "bought twice"},
            idempotency_key=f"duplicate:{duplicate.stripe_id}:{payment_intent}:refund",
        )
