"""Stripe's own pages for cards, addresses and receipts."""

from accounts.models import Organization
from core.public_ids import new_public_id
from payments.gateway import portal as stripe_portal
from payments.services import customers


def open_portal(*, organization: Organization, return_url: str, update_card: bool = False) -> str:
    """The address of a page that is this customer's for some minutes. A second one does no harm: its key is random."""
    session = stripe_portal.create_session(
        customer=customers.ensure_customer(organization=organization),
        return_url=return_url,
        flow="payment_method_update" if update_card else None,
        idempotency_key=new_public_id("portal"),
    )
    return str(session["url"])
