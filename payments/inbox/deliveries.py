"""A delivery by Stripe: verified, stored once, handed to a worker and answered at once, without any outbound call."""

import json
from datetime import UTC, datetime
from typing import NoReturn

from django.conf import settings
from django.db import transaction

from core.background import after_commit
from payments.errors import DeliveryRefused
from payments.inbox import signatures
from payments.models import InboxRefusal, StripeEvent, StripeWebhookEndpoint
from payments.models.inbox import SWEEP_AFTER
from payments.stripe_objects.fields import StripeObject

MESSAGES = {
    InboxRefusal.Reason.BAD_SIGNATURE: "The Stripe-Signature header does not match this body and our signing secret.",
    InboxRefusal.Reason.STALE: "The signature is too old. Stripe signs every attempt anew; check the clocks.",
    InboxRefusal.Reason.UNREADABLE: "The body is not a Stripe event.",
}


def receive(*, body: bytes, signature: str, now: datetime) -> StripeEvent:
    """Store an event under Stripe's id, once, and queue its processing on commit. A repeat returns the first row.

    Raises `DeliveryRefused` with the code `bad_signature`, `stale` or `unreadable`.
    """
    try:
        signatures.verify(body=body, header=signature, secrets=signing_secrets(), now=now)
        event = store(payload=_parsed(body), now=now)
    except signatures.BadSignature:
        refuse(InboxRefusal.Reason.BAD_SIGNATURE, now=now)
    except signatures.StaleSignature:
        refuse(InboxRefusal.Reason.STALE, now=now)
    except ValueError:
        refuse(InboxRefusal.Reason.UNREADABLE, now=now)
    return event


def store(*, payload: StripeObject, now: datetime) -> StripeEvent:
    """Keep an event that is known to be Stripe's. Raises `ValueError` when it lacks what every event has."""
    with transaction.atomic():
        event, is_new = StripeEvent.objects.get_or_create(
            stripe_id=_text(payload, "id"), defaults=_columns(payload) | _waiting(now) | {"received_at": now}
        )
        if is_new:
            # By name: the task imports the inbox. If the broker is down, Stripe still has its answer, and the sweep
            # finds the row.
            after_commit("payments.tasks.process_stripe_event", event.stripe_id)
    return event


def signing_secrets() -> list[str]:
    """The one from the environment and those of the endpoints that `sync_catalog` registered."""
    registered = list(StripeWebhookEndpoint.objects.order_by("-id").values_list("secret", flat=True))
    return [secret for secret in (settings.STRIPE_WEBHOOK_SECRET, *registered) if secret]


def refuse(reason: InboxRefusal.Reason, *, now: datetime) -> NoReturn:
    """Count a delivery that is not taken in, and raise `DeliveryRefused`."""
    InboxRefusal.add(reason=reason.value, day=now.astimezone(UTC).date())
    raise DeliveryRefused(MESSAGES[reason], code=reason.value)


def _waiting(now: datetime) -> dict[str, object]:
    return {"status": StripeEvent.Status.RECEIVED, "next_attempt_at": now + SWEEP_AFTER}


def _parsed(body: bytes) -> StripeObject:
    payload = json.loads(body.decode())
    if not isinstance(payload, dict):
        raise ValueError("not an object")
    return payload


def _columns(payload: StripeObject) -> dict[str, object]:
    data = payload.get("data")
    snapshot = data.get("object") if isinstance(data, dict) else None
    created = payload.get("created")
    if payload.get("object") != "event" or not isinstance(snapshot, dict) or type(created) is not int:
        raise ValueError("not an event")
    try:
        happened = datetime.fromtimestamp(created, tz=UTC)
    except (OverflowError, OSError) as error:
        raise ValueError("not a time") from error
    return {
        "type": _text(payload, "type", maximum=100),
        "object_type": _text(snapshot, "object", maximum=100),
        "object_id": _text(snapshot, "id") if "id" in snapshot else "",
        "api_version": str(payload.get("api_version") or "")[:50],
        "payload": payload,
        "created": happened,
    }


def _text(values: StripeObject, name: str, *, maximum: int = 255) -> str:
    value = values.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= maximum or "\0" in value:
        raise ValueError(f"{name} is not a short text")
    return value
