"""Making and changing webhook endpoints."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import transaction

from accounts.models import Organization
from core.errors import InvalidInput
from core.locks import for_update
from notifications import event_types
from notifications.models import WebhookEndpoint
from notifications.webhooks import signatures
from notifications.webhooks.targets import Resolver, check_target, system_resolver

PREVIOUS_SECRET_VALID = timedelta(hours=24)


def create_endpoint(
    *,
    url: str,
    organization: Organization | None = None,
    event_types: Sequence[str] = (),
    description: str = "",
    resolve: Resolver = system_resolver,
) -> WebhookEndpoint:
    """A new endpoint with a new `secret`; the caller shows it once. No organization means the events of all.

    Raises InvalidInput for a URL that may not be called (`targets.check_target`) or an event type webhooks do not
    carry.
    """
    check_target(url, resolve=resolve)
    return WebhookEndpoint.objects.create(
        url=url,
        organization=organization,
        event_types=checked_event_types(event_types),
        description=description,
        secret=signatures.new_secret(),
    )


@transaction.atomic
def update_endpoint(
    *,
    endpoint: WebhookEndpoint,
    url: str,
    event_types: Sequence[str],
    description: str,
    enabled: bool,
    resolve: Resolver = system_resolver,
) -> WebhookEndpoint:
    """Change an endpoint; its organization and secret stay. Raises InvalidInput as `create_endpoint` does."""
    endpoint = for_update(WebhookEndpoint.objects.filter(pk=endpoint.pk)).get()
    if url != endpoint.url:
        check_target(url, resolve=resolve)
    endpoint.url = url
    endpoint.event_types = checked_event_types(event_types)
    endpoint.description = description
    endpoint.enabled = enabled
    if enabled:
        endpoint.disabled_reason = ""
    endpoint.save(update_fields=["url", "event_types", "description", "enabled", "disabled_reason"])
    return endpoint


@transaction.atomic
def rotate_secret(*, endpoint: WebhookEndpoint, now: datetime) -> WebhookEndpoint:
    """A new secret; the one before it signs as well for 24 hours, one before that no longer does."""
    endpoint = for_update(WebhookEndpoint.objects.filter(pk=endpoint.pk)).get()
    endpoint.previous_secret = endpoint.secret
    endpoint.previous_secret_until = now + PREVIOUS_SECRET_VALID
    endpoint.secret = signatures.new_secret()
    endpoint.save(update_fields=["secret", "previous_secret", "previous_secret_until"])
    return endpoint


def checked_event_types(codes: Sequence[str]) -> list[str]:
    """The codes in order, each once. Raises InvalidInput for one that webhooks do not carry."""
    known = event_types.codes_to_subscribe_to()
    for code in codes:
        if code not in known:
            raise InvalidInput(f"No webhook has the type {code}. Choose from {', '.join(known)}.", field="event_types")
    return sorted(set(codes))
