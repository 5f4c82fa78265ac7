"""Whose key this is. https://docs.stripe.com/api/accounts"""

from payments.gateway.client import Json, read


def current() -> Json:
    """The account that `STRIPE_SECRET_KEY` belongs to."""
    return read("accounts.retrieve_current")
