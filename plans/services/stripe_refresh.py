"""Read an object fresh from Stripe and act on it, just as when an event of it comes."""

from datetime import datetime

from payments import inbox


def refresh_subscription(*, stripe_id: str, now: datetime) -> None:
    """Raises what reading it raises (`StripeUnavailable`, `StripeNotFound`)."""
    inbox.handle_object(
        object_type="subscription", object_id=stripe_id, event_type="customer.subscription.updated", now=now
    )


def refresh_invoice(*, stripe_id: str, now: datetime) -> None:
    """Raises what reading it raises (`StripeUnavailable`, `StripeNotFound`)."""
    inbox.handle_object(object_type="invoice", object_id=stripe_id, event_type="invoice.updated", now=now)
