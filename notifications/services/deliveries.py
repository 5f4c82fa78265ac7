"""Delivering webhooks: at least once, in turns, one worker per endpoint.

A worker claims an endpoint for a short turn and sends what is due there, one after the other. So an endpoint that
is slow holds up one worker for a moment and its own deliveries for longer, but nobody else's; and a worker that
dies leaves a claim that lapses, after which the same message goes out again under the same id.
"""

import logging
import random
import time
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction

from core.background import after_commit
from core.errors import InvalidInput, RuleRefused
from core.locks import for_update
from notifications import event_types
from notifications.emails.recipients import recipients
from notifications.engine.backoff import next_webhook_attempt
from notifications.models import Event, WebhookAttempt, WebhookDelivery, WebhookEndpoint
from notifications.models.events import iso_utc
from notifications.services.emails import send_email
from notifications.webhooks import signatures, transport
from notifications.webhooks.targets import Resolver, check_target, system_resolver
from notifications.webhooks.transport import Answer

logger = logging.getLogger(__name__)

# No new attempt begins after this much of a turn; what is left gets another turn, behind the other endpoints.
TURN = timedelta(seconds=5)
# Beyond the turn and the last attempt's timeout: resolving names, and writing things down.
CLAIM_MARGIN = timedelta(seconds=60)
GONE = 410
USER_AGENT = "billing-portal-webhooks/1"


def deliver_due(*, endpoint_id: int, now: datetime, resolve: Resolver = system_resolver) -> list[WebhookAttempt]:
    """One turn at an endpoint: send what is due, unless another worker is at it. No transaction is open meanwhile."""
    endpoint = _claim(endpoint_id, now)
    if endpoint is None:
        return []
    claimed_until, started, attempts = endpoint.claimed_until, time.perf_counter(), []
    at = now
    try:
        while delivery := _next_due(endpoint, at):
            attempts.append(_attempt(delivery, endpoint, at=at, resolve=resolve))
            at = now + timedelta(seconds=time.perf_counter() - started)
            if at >= now + TURN:
                break
    finally:
        WebhookEndpoint.objects.filter(pk=endpoint.pk, claimed_until=claimed_until).update(claimed_until=None)
    # After the release: whoever found the endpoint claimed until now has left its delivery to us.
    if _next_due(endpoint, at):
        after_commit("notifications.tasks.deliver_webhooks", endpoint.pk)
    return attempts


@transaction.atomic
def replay_delivery(*, delivery: WebhookDelivery, now: datetime) -> WebhookDelivery:
    """Send a delivery again, whatever became of it, with three more days of retries and the same `webhook-id`.

    Raises RuleRefused while its endpoint is disabled.
    """
    delivery = for_update(WebhookDelivery.objects.filter(pk=delivery.pk)).get()
    _refuse_disabled(delivery.endpoint)
    delivery.status = WebhookDelivery.Status.PENDING
    delivery.attempts = 0
    delivery.retry_from = delivery.next_attempt_at = now
    delivery.delivered_at = None
    delivery.save()
    after_commit("notifications.tasks.deliver_webhooks", delivery.endpoint_id)
    return delivery


@transaction.atomic
def send_test(*, endpoint: WebhookEndpoint, now: datetime) -> WebhookDelivery:
    """A `test.ping` for one endpoint, whatever types it listens to. Raises RuleRefused while it is disabled."""
    _refuse_disabled(endpoint)
    event = Event.objects.create(
        type=event_types.TEST_PING.code,
        organization=endpoint.organization,
        key=f"{endpoint.public_id}:{iso_utc(now)}",
        data={"endpoint": endpoint.public_id},
        occurred_at=now,
        fanned_out_at=now,
    )
    delivery = WebhookDelivery.objects.create(event=event, endpoint=endpoint, retry_from=now, next_attempt_at=now)
    after_commit("notifications.tasks.deliver_webhooks", endpoint.pk)
    return delivery


def _refuse_disabled(endpoint: WebhookEndpoint) -> None:
    if not endpoint.enabled:
        raise RuleRefused(f"The endpoint {endpoint} is disabled. Enable it first, then send again.")


@transaction.atomic
def _claim(endpoint_id: int, now: datetime) -> WebhookEndpoint | None:
    """The endpoint, reserved for this worker, or None. The reservation lapses by itself."""
    free = WebhookEndpoint.objects.free(at=now).filter(pk=endpoint_id)
    endpoint = for_update(free, skip_locked=True, of=("self",)).select_related("organization").first()
    if endpoint is not None:
        timeout = timedelta(seconds=settings.WEBHOOKS_TIMEOUT_SECONDS)
        endpoint.claimed_until = now + TURN + timeout + CLAIM_MARGIN
        endpoint.save(update_fields=["claimed_until"])
    return endpoint


def _next_due(endpoint: WebhookEndpoint, at: datetime) -> WebhookDelivery | None:
    enabled = WebhookDelivery.objects.due(at=at).filter(endpoint=endpoint, endpoint__enabled=True)
    return enabled.select_related("event__organization").first()


def _attempt(
    delivery: WebhookDelivery, endpoint: WebhookEndpoint, *, at: datetime, resolve: Resolver
) -> WebhookAttempt:
    event = delivery.event
    headers = signatures.signed_headers(
        message_id=event.public_id, body=event.body, signing_secrets=endpoint.secrets_at(at), at=at
    )
    headers |= {"content-type": "application/json", "user-agent": USER_AGENT}
    try:
        target = check_target(endpoint.url, resolve=resolve)
    except InvalidInput as refusal:
        answer = Answer(error=refusal.message)
    else:
        answer = transport.post(
            target, body=event.body.encode(), headers=headers, timeout_seconds=settings.WEBHOOKS_TIMEOUT_SECONDS
        )
    return _record(delivery, answer, at=at)


@transaction.atomic
def _record(delivery: WebhookDelivery, answer: Answer, *, at: datetime) -> WebhookAttempt:
    """Write down how an attempt at `at` went, and what follows from it."""
    endpoint = for_update(WebhookEndpoint.objects.filter(pk=delivery.endpoint_id)).get()
    delivery = for_update(WebhookDelivery.objects.filter(pk=delivery.pk), of=("self",)).select_related("event").get()
    attempt = WebhookAttempt.objects.create(
        delivery=delivery,
        status_code=answer.status_code,
        response_excerpt=answer.excerpt,
        error=answer.error,
        duration_ms=answer.duration_ms,
        created_at=at,
    )
    delivery.attempts += 1
    if answer.accepted:
        _mark_delivered(delivery, endpoint, at)
    else:
        _mark_failed(delivery, endpoint, answer, at)
    delivery.save()
    endpoint.save(update_fields=["enabled", "disabled_reason", "failing_since"])
    return attempt


def _mark_delivered(delivery: WebhookDelivery, endpoint: WebhookEndpoint, at: datetime) -> None:
    delivery.status = WebhookDelivery.Status.DELIVERED
    delivery.delivered_at = at
    delivery.next_attempt_at = None
    endpoint.failing_since = None


def _mark_failed(delivery: WebhookDelivery, endpoint: WebhookEndpoint, answer: Answer, at: datetime) -> None:
    endpoint.failing_since = endpoint.failing_since or at
    if answer.status_code == GONE:
        # Standard Webhooks: Gone asks the sender to stop.
        endpoint.enabled = False
        endpoint.disabled_reason = f"The receiver answered 410 Gone on {at:%-d %b %Y, %H:%M} UTC."
        delivery.next_attempt_at = None
    else:
        delivery.next_attempt_at = next_webhook_attempt(
            retry_from=delivery.retry_from,
            attempts=delivery.attempts,
            failed_at=at + timedelta(milliseconds=answer.duration_ms),
            chance=random.random(),  # noqa: S311  jitter, not a secret
        )
    if delivery.next_attempt_at is None:
        delivery.status = WebhookDelivery.Status.EXHAUSTED
        _tell_owners(delivery, endpoint, answer, at)
    else:
        delivery.status = WebhookDelivery.Status.FAILED


def _tell_owners(delivery: WebhookDelivery, endpoint: WebhookEndpoint, answer: Answer, at: datetime) -> None:
    """One email per streak of failures, when the endpoint has an organization; staff see the others in the admin."""
    logger.warning("Gave up delivery %s of %s to %s.", delivery.pk, delivery.event, endpoint)
    if endpoint.organization is None:
        return
    for address in recipients(organization=endpoint.organization, audience=event_types.DEFAULT_AUDIENCE):
        send_email(
            to=address,
            template="webhook_endpoint_failing",
            context={"endpoint": endpoint, "delivery": delivery, "answer": answer},
            key=f"webhook-failing:{endpoint.public_id}:{endpoint.failing_since}:{address}",
            organization=endpoint.organization,
            now=at,
        )
