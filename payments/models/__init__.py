"""What we keep about Stripe: its account, our customers there, its events, and which id it gave to what we sell."""

from payments.models.account import StripeAccount, StripeWebhookEndpoint
from payments.models.catalogue import CatalogueEntry
from payments.models.customer import Customer
from payments.models.inbox import HandledObject, InboxRefusal, StripeEvent

__all__ = [
    "CatalogueEntry",
    "Customer",
    "HandledObject",
    "InboxRefusal",
    "StripeAccount",
    "StripeEvent",
    "StripeWebhookEndpoint",
]
