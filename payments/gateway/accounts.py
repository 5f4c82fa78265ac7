"""Whose key this is. https://docs.stripe.com/api/accounts"""

from payments.gateway.client import read
from payments.stripe_objects.fields import StripeObject


def current() -> StripeObject:
    """The account that `STRIPE_SECRET_KEY` belongs to."""
    return read("accounts.retrieve_current")
