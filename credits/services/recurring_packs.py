"""Recurring packs: a Stripe subscription of its own, credits per paid invoice line."""

from datetime import datetime

from django.db import transaction

from core.locks import for_update
from core.money import Money
from credits.announcements import announce_unpaid_renewal
from credits.models import PackSubscription, Purchase
from credits.services.fulfilment import complete_purchase
from payments import gateway
from payments.stripe_objects import StripeInvoice, StripeInvoiceLine, StripeSubscription


@transaction.atomic
def follow_pack_subscription(*, stripe_subscription: StripeSubscription, now: datetime) -> PackSubscription | None:
    """Bring our row to where Stripe's subscription is. None when it is not a recurring pack's."""
    purchase = _first_purchase(stripe_subscription.metadata.get("purchase"))
    if purchase is None or not stripe_subscription.items:
        return None
    subscription = _subscription_of(purchase, stripe_subscription=stripe_subscription.id)
    subscription.status = stripe_subscription.status
    subscription.cancel_at_period_end = stripe_subscription.cancel_at_period_end
    subscription.current_period_end = stripe_subscription.items[0].current_period_end
    subscription.save(update_fields=["status", "cancel_at_period_end", "current_period_end"])
    return subscription


@transaction.atomic
def grant_paid_lines(*, invoice: StripeInvoice, now: datetime) -> list[Purchase]:
    """Grant what a paid invoice of a recurring pack bought, each line once.

    Proration lines buy nothing, nor does what else waited for the customer's next invoice.
    """
    first = _first_purchase(invoice.subscription_metadata.get("purchase"))
    if invoice.status != "paid" or first is None or invoice.subscription is None:
        return []
    subscription = _subscription_of(first, stripe_subscription=invoice.subscription)
    return [
        _complete_line(subscription, first, invoice, line, now)
        for line in invoice.lines
        if line.subscription_item is not None and not line.is_proration and line.amount > 0
    ]


@transaction.atomic
def notify_of_unpaid_renewal(*, invoice: StripeInvoice, now: datetime) -> None:
    """A renewal could not be collected: the owner is notified once per invoice; Stripe goes on trying.

    The first invoice is left out: whoever buys is on the page and sees it there.
    """
    first = _first_purchase(invoice.subscription_metadata.get("purchase"))
    if first is not None and invoice.status == "open" and invoice.billing_reason == "subscription_cycle":
        announce_unpaid_renewal(first=first, invoice=invoice, now=now)


def set_pack_renewal(*, subscription: PackSubscription, renews: bool, now: datetime) -> PackSubscription:
    """Cancel at the end of the paid period, or go on after all. Asking for what is so already is harmless."""
    if subscription.cancel_at_period_end is not renews:
        return subscription
    data = gateway.subscriptions.update(
        subscription=subscription.stripe_subscription,
        cancel_at_period_end=not renews,
        idempotency_key=f"pack-renewal:{subscription.stripe_subscription}:{renews}:{now.isoformat()}",
    )
    return follow_pack_subscription(stripe_subscription=StripeSubscription.of(data), now=now) or subscription


def _first_purchase(public_id: str | None) -> Purchase | None:
    if not public_id:
        return None
    return (
        Purchase.objects.select_related("organization", "pack", "unit")
        .filter(public_id=public_id, pack__isnull=False)
        .exclude(pack__recurring="")
        .first()
    )


def _subscription_of(purchase: Purchase, *, stripe_subscription: str) -> PackSubscription:
    """The row of this subscription, locked. Made by whichever event comes first."""
    assert purchase.pack is not None
    PackSubscription.objects.get_or_create(
        stripe_subscription=stripe_subscription,
        defaults={
            "organization": purchase.organization,
            "pack": purchase.pack,
            "interval": purchase.pack.recurring,
            "status": "active",
        },
    )
    subscription = for_update(PackSubscription.objects.filter(stripe_subscription=stripe_subscription)).get()
    Purchase.objects.filter(pk=purchase.pk, pack_subscription=None).update(pack_subscription=subscription)
    return subscription


def _complete_line(
    subscription: PackSubscription, first: Purchase, invoice: StripeInvoice, line: StripeInvoiceLine, now: datetime
) -> Purchase:
    assert invoice.id is not None
    known = Purchase.objects.filter(invoice_line=line.id).first()
    if known is None and invoice.billing_reason == "subscription_create":
        known = first
    purchase = known or _renewal(subscription, first, line, now)
    # An invoice may carry discounts and tax on top of its one line: what was paid is the invoice's.
    alone = len([other for other in invoice.lines if other.amount > 0]) == 1
    paid = Money(invoice.amount_paid if alone else line.amount, invoice.currency)
    payment = next((payment for payment in invoice.payments if payment.payment_intent), None)
    return complete_purchase(
        purchase=purchase,
        reference=f"invoice:{invoice.id}:{line.id}",
        paid=paid,
        payment_intent=payment.payment_intent if payment else None,
        invoice=invoice,
        invoice_line=line.id,
        now=now,
    )


def _renewal(subscription: PackSubscription, first: Purchase, line: StripeInvoiceLine, now: datetime) -> Purchase:
    return Purchase.objects.create(
        organization=first.organization,
        kind=Purchase.Kind.PACK,
        pack=first.pack,
        pack_subscription=subscription,
        unit=first.unit,
        credits=first.credits,
        valid_days=first.valid_days,
        amount=line.amount,
        currency=line.currency,
        invoice_line=line.id,
        created_at=now,
    )
