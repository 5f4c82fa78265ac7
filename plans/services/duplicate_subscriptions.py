"""Two subscriptions where there should be one: the second is ended, and its payment given back."""

from datetime import datetime

from accounts.models import Organization
from payments.gateway import invoices as stripe_invoices
from payments.gateway import refunds as stripe_refunds
from payments.gateway import subscriptions as stripe_subscriptions
from payments.stripe_objects import StripeInvoice, StripeRefund
from plans.models import Subscription
from plans.services.plan_changes import refresh


def give_back(*, organization: Organization, now: datetime) -> list[Subscription]:
    """End what was bought twice, refund it in full, and return it. If the first one has ended meanwhile, the second one
    takes its place and nothing is given back."""
    given_back = []
    for extra in Subscription.objects.live().filter(organization=organization, role=Subscription.Role.SURPLUS):
        base = Subscription.objects.base_of(organization)
        if base:
            refresh(stripe_id=base.stripe_id, now=now)
        refresh(stripe_id=extra.stripe_id, now=now)
        extra.refresh_from_db()
        if extra.role == Subscription.Role.SURPLUS and extra.is_live:
            _end(extra, now)
            given_back.append(extra)
    return given_back


def _end(extra: Subscription, now: datetime) -> None:
    """The money first: a subscription that has ended is not looked at again."""
    invoice = StripeInvoice.of(stripe_invoices.retrieve(invoice=extra.latest_invoice_id))
    for payment in invoice.payments:
        if payment.status == "paid" and payment.payment_intent and payment.amount_paid:
            _refund(extra, payment.payment_intent, payment.amount_paid)
    stripe_subscriptions.cancel(subscription=extra.stripe_id, idempotency_key=f"surplus:{extra.stripe_id}:cancel")
    refresh(stripe_id=extra.stripe_id, now=now)


def _refund(extra: Subscription, payment_intent: str, paid: int) -> None:
    """What has not been refunded yet: an earlier try may have got through, however long ago."""
    known = [StripeRefund.of(data) for data in stripe_refunds.list_for(payment_intent=payment_intent)]
    left = paid - sum(refund.amount for refund in known if not refund.has_failed)
    if left > 0:
        stripe_refunds.create(
            payment_intent=payment_intent,
            amount=left,
            metadata={"organization": extra.organization.public_id, "reason": "bought twice"},
            idempotency_key=f"surplus:{extra.stripe_id}:{payment_intent}:refund",
        )
