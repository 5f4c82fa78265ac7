"""The back office of events, emails and webhooks."""

from notifications.admin.emails import SentEmailAdmin
from notifications.admin.events import EventAdmin
from notifications.admin.webhooks import WebhookDeliveryAdmin, WebhookEndpointAdmin

__all__ = ["EventAdmin", "SentEmailAdmin", "WebhookDeliveryAdmin", "WebhookEndpointAdmin"]
