"""Disputes: the bank takes the money back until it has decided, so the credits stand still until then."""

from datetime import datetime

from django.db import transaction

from core.locks import for_update
from credits.models import CreditGrant, Dispute, Purchase
from credits.services import grants
from credits.services.gift_cards import void_gift_card
from payments.stripe_objects import StripeDispute


@transaction.atomic
def follow_dispute(*, stripe_dispute: StripeDispute, now: datetime) -> Dispute | None:
    """Bring our dispute to where Stripe's is. None when it is not about a purchase of ours."""
    paid = Purchase.objects.filter(payment_intent=stripe_dispute.payment_intent, status=Purchase.Status.PAID)
    purchase = for_update(paid.exclude(payment_intent=None), of=("self",)).first()
    if purchase is None:
        return None
    dispute, _ = Dispute.objects.get_or_create(
        stripe_dispute=stripe_dispute.id,
        defaults={
            "purchase": purchase,
            "stripe_status": stripe_dispute.status,
            "amount": stripe_dispute.amount,
            "reason": stripe_dispute.reason,
            "opened_at": stripe_dispute.created,
        },
    )
    if dispute.status == Dispute.Status.OPEN:
        _decide(dispute, stripe_dispute, now)
    return dispute


def _decide(dispute: Dispute, stripe_dispute: StripeDispute, now: datetime) -> None:
    grant = dispute.purchase.credited
    if grant is not None:
        grants.freeze(grant=grant, now=stripe_dispute.created if stripe_dispute.created <= now else now)
    if stripe_dispute.is_won:
        dispute.status, dispute.closed_at = Dispute.Status.WON, now
    elif stripe_dispute.is_lost:
        _take_back(dispute, grant, now)
        dispute.status, dispute.closed_at = Dispute.Status.LOST, now
    dispute.stripe_status = stripe_dispute.status
    dispute.save(update_fields=["status", "stripe_status", "closed_at"])
    if grant is not None and not dispute.purchase.disputes.open().exists():
        grants.thaw(grant=grant, now=now)


def _take_back(dispute: Dispute, grant: CreditGrant | None, now: datetime) -> None:
    purchase = dispute.purchase
    if grant is None:
        void_gift_card(card=purchase.gift_card, reason="The payment was disputed and lost.", now=now)
        return
    if credits := purchase.credits_returned_with(dispute.amount):
        grants.take_back(
            grant=grant,
            amount=credits,
            reason=f"Dispute lost: {dispute.reason}",
            actor=None,
            reference=f"dispute:{dispute.stripe_dispute}",
            now=now,
        )
