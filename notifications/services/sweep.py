"""Finding work whose task was lost, or whose time to try again has come."""

from dataclasses import dataclass
from datetime import datetime

from core.background import after_commit
from notifications.models import Event, SentEmail, WebhookEndpoint
from notifications.services.events import FAN_OUT_GRACE

# What one sweep hands out at most of each kind; the next sweep is seconds away.
BATCH = 500


@dataclass(frozen=True, slots=True)
class Swept:
    events: int
    emails: int
    endpoints: int


def sweep(*, now: datetime) -> Swept:
    """Queue a task for everything that waits. Doubling a task is harmless: each one claims its work first."""
    events = list(
        Event.objects.not_fanned_out(published_before=now - FAN_OUT_GRACE).values_list("pk", flat=True)[:BATCH]
    )
    emails = list(SentEmail.objects.due(at=now).values_list("pk", flat=True)[:BATCH])
    endpoints = list(
        WebhookEndpoint.objects.free(at=now).with_due_deliveries(at=now).values_list("pk", flat=True)[:BATCH]
    )
    for event_id in events:
        after_commit("notifications.tasks.fan_out", event_id)
    for email_id in emails:
        after_commit("notifications.tasks.send_email", email_id)
    for endpoint_id in endpoints:
        after_commit("notifications.tasks.deliver_webhooks", endpoint_id)
    return Swept(events=len(events), emails=len(emails), endpoints=len(endpoints))
