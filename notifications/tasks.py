"""What workers do. Mail servers and webhook receivers may be slow, so they have queues of their own (in settings).

Each task expires: what no worker has begun by then, the sweep queues afresh, so a long queue never fills with repeats.
"""

from celery import shared_task
from django.utils import timezone

from core import retention
from notifications.models import SentEmail, WebhookDelivery
from notifications.services import deliveries, emails, events, sweep

EXPIRES_SECONDS = 60


@shared_task(expires=EXPIRES_SECONDS)
def fan_out(event_id: int) -> None:
    events.fan_out(event_id=event_id, now=timezone.now())


@shared_task(expires=EXPIRES_SECONDS)
def send_email(email_id: int) -> None:
    emails.deliver_email(email_id=email_id, now=timezone.now())


@shared_task(expires=EXPIRES_SECONDS)
def deliver_webhooks(endpoint_id: int) -> None:
    deliveries.deliver_due(endpoint_id=endpoint_id, now=timezone.now())


@shared_task
def delete_old_messages() -> None:
    """Old emails and deliveries, with their words and attempts."""
    before = retention.delete_before(timezone.now())
    retention.delete_in_batches(SentEmail.objects.finished(before=before))
    retention.delete_in_batches(WebhookDelivery.objects.finished(before=before))


@shared_task(expires=EXPIRES_SECONDS)
def sweep_notifications() -> None:
    sweep.sweep(now=timezone.now())
