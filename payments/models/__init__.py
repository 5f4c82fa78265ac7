"""What we keep about Stripe: whose customer is whose, what it told us, and what we told it."""

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
