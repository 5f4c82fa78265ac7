"""Stripe's own record of what happened (30 days of it), and the endpoints it delivers to. https://docs.stripe.com/api/events"""

from collections.abc import Iterator, Sequence
from datetime import datetime

from django.conf import settings

from payments.gateway.client import read, read_all, write
from payments.stripe_objects.fields import StripeObject


def list_since(*, since: datetime) -> Iterator[StripeObject]:
    """Every event since then, newest first, page by page."""
    return read_all("events.list", created={"gte": int(since.timestamp())})


def retrieve(*, event: str) -> StripeObject:
    return read("events.retrieve", event)


def webhook_endpoints() -> list[StripeObject]:
    """Registered endpoints. Their secrets are shown only when they are made."""
    return list(read_all("webhook_endpoints.list"))


def create_webhook_endpoint(*, url: str, enabled_events: Sequence[str], idempotency_key: str) -> StripeObject:
    """The answer carries `secret`, once. Events come in our API version, whatever the account's default."""
    return write(
        "webhook_endpoints.create",
        idempotency_key=idempotency_key,
        url=url,
        enabled_events=list(enabled_events),
        api_version=settings.STRIPE_API_VERSION,
        description="Billing portal",
    )


def update_webhook_endpoint(*, endpoint: str, enabled_events: Sequence[str], idempotency_key: str) -> StripeObject:
    """Change the events it receives, and enable it again if Stripe or somebody had disabled it."""
    return write(
        "webhook_endpoints.update",
        endpoint,
        idempotency_key=idempotency_key,
        enabled_events=list(enabled_events),
        disabled=False,
    )
