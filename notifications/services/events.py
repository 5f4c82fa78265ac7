"""From an event to the emails and webhook deliveries about it."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from accounts.models import Organization
from core.background import after_commit
from core.locks import for_update
from notifications import event_types
from notifications.emails.recipients import recipients
from notifications.models import Event, SentEmail, WebhookDelivery, WebhookEndpoint
from notifications.services.preferences import email_wanted

# A fan-out that has not happened by then was lost with its task, and the sweep does it.
FAN_OUT_GRACE = timedelta(seconds=30)


@transaction.atomic
def publish(
    *,
    type: str,
    organization: Organization,
    data: Mapping[str, Any],
    key: str,
    now: datetime,
    email_context: Mapping[str, Any] | None = None,
    is_emailed: bool = True,
) -> Event:
    """Record that something happened, in the caller's transaction: what is rolled back sends nothing.

    `data` is what webhooks carry (the organization is added), JSON values only, quantities as decimal strings.
    `email_context` is what only the emails need; without `is_emailed` there are none. `key` makes it once for ever:
    another call with the same type and key returns the first event (`is_new` is then false) and sends nothing. `now` is
    when it happened.

    Raises UnknownEventType for a type nobody registered, ValueError for a key that another organization's event has.
    """
    event_types.get(type)
    event, created = Event.objects.get_or_create(
        type=type,
        key=key,
        defaults={
            "organization": organization,
            "data": dict(data),
            "email_context": dict(email_context or {}),
            "is_emailed": is_emailed,
            "occurred_at": now,
        },
    )
    if event.organization_id != organization.pk:
        raise ValueError(
            f"The {type} event {key!r} belongs to another organization: put the organization into its key."
        )
    event.is_new = created
    if created:
        after_commit("notifications.tasks.fan_out", event.pk)
    return event


def published(*, type: str, keys: Iterable[str]) -> set[str]:
    """Those of the keys whose event of this type was published already."""
    return set(Event.objects.filter(type=type, key__in=list(keys)).values_list("key", flat=True))


@transaction.atomic
def fan_out(*, event_id: int, now: datetime) -> Event:
    """Make the emails and webhook deliveries of an event, once; they are sent after the commit."""
    event = for_update(Event.objects.filter(pk=event_id), of=("self",)).select_related("organization").get()
    if event.fanned_out_at is not None:
        return event
    event_type = event_types.get(event.type)
    organization, is_emailed = event.organization, event_type.email and event.is_emailed
    if is_emailed and organization and email_wanted(organization=organization, event_type=event_type):
        for address in recipients(organization=organization, audience=event_type.audience):
            email = SentEmail.objects.create(
                key=f"{event.public_id}:{address}",
                event=event,
                organization=organization,
                to=address,
                next_attempt_at=now,
            )
            after_commit("notifications.tasks.send_email", email.pk)
    if event_type.webhook:
        for endpoint in WebhookEndpoint.objects.listening_to(event):
            WebhookDelivery.objects.create(event=event, endpoint=endpoint, retry_from=now, next_attempt_at=now)
            after_commit("notifications.tasks.deliver_webhooks", endpoint.pk)
    event.fanned_out_at = now
    event.save(update_fields=["fanned_out_at"])
    return event
