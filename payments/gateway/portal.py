"""Stripe's own customer portal: cards, addresses, invoices. https://docs.stripe.com/api/customer_portal/sessions"""

from payments.gateway.client import write
from payments.stripe_objects.fields import StripeObject


def create_session(*, customer: str, return_url: str, idempotency_key: str, flow: str | None = None) -> StripeObject:
    """A page for this customer, valid for minutes. `flow="payment_method_update"` goes straight to the card."""
    return write(
        "billing_portal.sessions.create",
        idempotency_key=idempotency_key,
        customer=customer,
        return_url=return_url,
        flow_data={"type": flow} if flow else None,
    )
