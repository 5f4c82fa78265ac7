"""Coming back from Stripe's page: the customer is often faster than the webhook."""

from datetime import datetime

from credits.models import Purchase
from credits.services.fulfilment import follow_checkout
from credits.services.recurring_packs import grant_paid_lines
from payments import gateway
from payments.stripe_objects import StripeCheckoutSession, StripeInvoice


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
