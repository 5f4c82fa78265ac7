"""What other apps call: `publish` an event, or `send_email` to one address."""

from notifications.services.emails import send_email
from notifications.services.events import publish, published
from notifications.services.preferences import set_preferences

__all__ = ["publish", "published", "send_email", "set_preferences"]
