"""Stripe's checkout page: opened for a purchase, and followed to where it is.

Webhook, return page and reconciliation all call `follow_checkout` with the state that Stripe shows at that moment.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial

from core.money import Money
from credits.models import Purchase
from credits.services.fulfilment import complete_purchase, end_purchase
from credits.services.recurring_packs import grant_paid_lines
from credits.stripe_catalogue import price_of
from payments import gateway, stripe_catalogue
from payments.services import customers
from payments.stripe_objects import StripeCheckoutSession, StripeInvoice
from payments.stripe_objects.fields import StripeObject


def open_checkout(*, purchase: Purchase, now: datetime) -> Purchase:
    """Make the hosted page of a purchase that has none; calling it again is harmless, also after a lost answer."""
    if purchase.status != Purchase.Status.STARTED:
        return purchase
    customer = customers.ensure_customer(organization=purchase.organization)
    pack = purchase.pack
    recurring = pack is not None and pack.recurring != ""
    # A subscription keeps its card by itself; a single payment is asked to, for automatic top-ups.
    payment = partial(gateway.checkout.create_payment, save_card=True)
    create: Callable[..., StripeObject] = gateway.checkout.create_subscription if recurring else payment
    session = StripeCheckoutSession.of(
        create(
            customer=customer,
            line_items=[_line(purchase)],
            success_url=purchase.success_url or purchase.page_url,
            cancel_url=purchase.cancel_url or f"{purchase.page_url}?cancelled=1",
            metadata=purchase.stripe_metadata,
            client_reference_id=purchase.public_id,
            idempotency_key=f"{purchase.public_id}:checkout",
        )
    )
    # The webhook of a quick customer may have come first: only a purchase that still waits for its page gets one.
    Purchase.objects.filter(pk=purchase.pk, status=Purchase.Status.STARTED).update(
        status=Purchase.Status.OPEN, checkout_session=session.id, checkout_url=session.url or ""
    )
    purchase.refresh_from_db()
    return purchase


def follow_checkout(*, purchase: Purchase, session: StripeCheckoutSession, now: datetime) -> Purchase:
    """Bring a purchase to where its checkout session is. Repeats and stale states are harmless.

    Of a subscription's page only its expiry matters here: a recurring pack is paid by its invoices.
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


def refresh_from_checkout(*, purchase: Purchase, now: datetime) -> Purchase:
    """Ask Stripe how a waiting purchase stands, as its return page does. Raises `StripeUnavailable`."""
    if not purchase.is_waiting or purchase.checkout_session is None:
        return purchase
    session = StripeCheckoutSession.of(gateway.checkout.retrieve(session=purchase.checkout_session))
    if session.mode == "subscription" and session.invoice is not None:
        invoice = StripeInvoice.of(gateway.invoices.retrieve(invoice=session.invoice))
        grant_paid_lines(invoice=invoice, now=now)
        purchase.refresh_from_db()
        return purchase
    return follow_checkout(purchase=purchase, session=session, now=now)


def _line(purchase: Purchase) -> Mapping[str, object]:
    pack = purchase.pack
    if pack is not None and not pack.is_open and pack.price == purchase.amount:
        return {"price": stripe_catalogue.price_as_specified(price_of(pack)), "quantity": 1}
    # An open amount, or a pack whose price has changed since this purchase was begun: what was shown is what is asked.
    product = (
        {"product": stripe_catalogue.stripe_product_id(pack.lookup_key)}
        if pack
        else {"product_data": {"name": purchase.title}}
    )
    return {"price_data": {"currency": purchase.currency, "unit_amount": purchase.amount} | product, "quantity": 1}
