"""Events, and the emails and webhook deliveries that follow from them."""

from notifications.models.emails import MailboxMessage, SentEmail
from notifications.models.events import EmailPreference, Event
from notifications.models.webhooks import WebhookAttempt, WebhookDelivery, WebhookEndpoint

__all__ = [
    "EmailPreference",
    "Event",
    "MailboxMessage",
    "SentEmail",
    "WebhookAttempt",
    "WebhookDelivery",
    "WebhookEndpoint",
]
