"""Ending a purchase: credits when the money is there, once, by whichever route is first.

What a checkout page took comes in by `follow_checkout`; what a saved card paid, from `top_ups` and `recurring_packs`.
"""

from datetime import datetime, timedelta

from django.db import transaction

from core.background import after_commit
from core.locks import for_update
from core.money import Money
from credits.announcements import announce_failure, announce_receipt
from credits.models import CreditGrant, Purchase
from credits.services.gift_cards import issue_bought_card
from credits.services.grants import grant_credits
from payments.stripe_objects import StripeCheckoutSession, StripeInvoice, StripePaymentIntent

LONGEST_FAILURE = 500


def follow_checkout(*, purchase: Purchase, session: StripeCheckoutSession, now: datetime) -> Purchase:
    """Bring a purchase to where its checkout session is. Repeats and stale states are harmless.

    Called with the state that Stripe shows at that moment: for its events (`credits/stripe_webhooks.py`), when the
    buyer comes back (`credits/services/purchases.py: refresh_from_checkout`), and by reconciliation. Of a
    subscription's page only its expiry matters here: a recurring pack is paid by its invoices.
    """
    if session.status == "expired":
        return end_purchase(purchase=purchase, status=Purchase.Status.CANCELLED, session=session, now=now)
    if session.mode != "payment":
        return purchase
    if session.is_paid:
        return complete_purchase(
            purchase=purchase,
            reference=f"checkout:{session.id}",
            paid=Money(session.amount_total or 0, session.currency or purchase.currency),
            intent=session.intent,
            session=session,
            now=now,
        )
    if session.is_processing and session.intent and session.intent.status in ("requires_payment_method", "canceled"):
        return end_purchase(
            purchase=purchase,
            status=Purchase.Status.FAILED,
            failure=session.intent.error_message or "The bank did not make the payment.",
            session=session,
            now=now,
        )
    if session.is_processing:
        return end_purchase(purchase=purchase, status=Purchase.Status.PROCESSING, session=session, now=now)
    return purchase


@transaction.atomic
def complete_purchase(
    *,
    purchase: Purchase,
    reference: str,
    paid: Money,
    intent: StripePaymentIntent | None = None,
    payment_intent: str | None = None,
    session: StripeCheckoutSession | None = None,
    invoice: StripeInvoice | None = None,
    invoice_line: str | None = None,
    now: datetime,
) -> Purchase:
    """The money is there: grant the credits and notify of it, once. `paid` is what Stripe took."""
    purchase = _locked(purchase)
    if purchase.status == Purchase.Status.PAID:
        return purchase
    purchase.status, purchase.paid_at, purchase.paid_amount, purchase.failure = (
        Purchase.Status.PAID,
        now,
        paid.amount,
        "",
    )
    purchase.payment_intent, purchase.invoice_line = payment_intent or purchase.payment_intent, invoice_line
    if invoice is not None:
        purchase.invoice, purchase.receipt_url = invoice.id or "", invoice.hosted_invoice_url or ""
    _note_stripe_ids(purchase, session=session, intent=intent)
    if purchase.kind == Purchase.Kind.GIFT_CARD:
        purchase.save()
        issue_bought_card(purchase=purchase, now=now)
    else:
        purchase.grant = _grant(purchase, reference, paid, now)
        purchase.save()
    announce_receipt(purchase=purchase, now=now)
    if intent and intent.charge and (intent.charge.amount_refunded or intent.charge.disputed):
        # Refunded or disputed before we knew it was paid: that event found no paid purchase, and does not come again.
        after_commit("credits.tasks.follow_money", purchase.pk)
    return purchase


@transaction.atomic
def end_purchase(
    *,
    purchase: Purchase,
    status: str,
    failure: str = "",
    session: StripeCheckoutSession | None = None,
    now: datetime,
) -> Purchase:
    """The purchase failed, was cancelled, or goes on waiting for the bank. One that has ended stays as it is."""
    purchase = _locked(purchase)
    if not purchase.is_waiting or purchase.status == status:
        return purchase
    purchase.status, purchase.failure = status, failure[:LONGEST_FAILURE]
    _note_stripe_ids(purchase, session=session, intent=session.intent if session else None)
    purchase.save()
    if status == Purchase.Status.FAILED and purchase.kind != Purchase.Kind.TOP_UP:  # which says more than that
        announce_failure(purchase=purchase, now=now)
    return purchase


def _locked(purchase: Purchase) -> Purchase:
    return (
        for_update(Purchase.objects.filter(pk=purchase.pk), of=("self",))
        .select_related("organization", "unit", "pack", "buyer")
        .get()
    )


def _note_stripe_ids(
    purchase: Purchase, *, session: StripeCheckoutSession | None, intent: StripePaymentIntent | None
) -> None:
    if session is not None:
        purchase.checkout_session = session.id
        purchase.payment_intent = purchase.payment_intent or session.payment_intent
        purchase.invoice = purchase.invoice or session.invoice or ""
    if intent is not None:
        purchase.payment_intent = intent.id
        purchase.charge = intent.latest_charge or purchase.charge
        if intent.charge is not None:
            purchase.receipt_url = intent.charge.receipt_url or purchase.receipt_url


def _grant(purchase: Purchase, reference: str, paid: Money, now: datetime) -> CreditGrant:
    return grant_credits(
        organization=purchase.organization,
        unit=purchase.unit,
        amount=purchase.credits,
        source=CreditGrant.Source.PURCHASE,
        reference=reference,
        reason=f"Bought {purchase.title}",
        actor=purchase.buyer,
        expires_at=now + timedelta(days=purchase.valid_days) if purchase.valid_days else None,
        paid=paid if paid.amount else None,
        purchase=purchase,
        now=now,
    )
