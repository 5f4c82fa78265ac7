"""Act on an event: read its object fresh, let dj-stripe copy it, run the handlers, mark the row.

Reading takes a network call and is done with no transaction open, so two workers may read the same object at once and
finish in the wrong order. `HandledObject.take` catches that: whoever read before the other one acted reads again.
"""

import logging
import zlib
from datetime import datetime, timedelta

from django.db import connection, transaction

from payments.errors import ObjectIsBusy, StripeNotFound
from payments.gateway import objects
from payments.inbox.handlers import Handler, ObjectChange, handlers_for
from payments.models import HandledObject, StripeEvent
from payments.services import djstripe_mirror
from payments.stripe_objects.fields import StripeObject

logger = logging.getLogger(__name__)

# The objects of these events cannot be retrieved: the event's own copy is all there is.
SNAPSHOT_ONLY = frozenset({"invoice.upcoming"})
MAX_READINGS = 10
FIRST_BACKOFF = timedelta(seconds=30)
LONGEST_BACKOFF = timedelta(hours=6)


class ClaimLost(Exception):
    """The lease ran out and another worker took the event over. What we did here is rolled back."""


def process_event(*, stripe_id: str, now: datetime) -> StripeEvent | None:
    """Process a stored event, or return None if it is not waiting. A failure is kept in the row and tried again.

    A worker that is killed in between leaves the row claimed; once the lease is over, the sweep takes it up.
    """
    event = StripeEvent.objects.claim(stripe_id=stripe_id, at=now)
    if event is None:
        return None
    try:
        try:
            _process(event, now)
        except ClaimLost:
            raise
        except Exception as error:
            logger.exception("Event %s (%s) failed, attempt %s", stripe_id, event.type, event.attempts)
            again_at = now + backoff(attempts=event.attempts, stripe_id=stripe_id)
            _finish(event, status=StripeEvent.Status.FAILED, next_attempt_at=again_at, last_error=_reason(error))
    except ClaimLost:
        logger.warning("Event %s was taken over by another worker", stripe_id)
    event.refresh_from_db()
    return event


def handle_object(*, object_type: str, object_id: str, event_type: str, now: datetime) -> StripeObject:
    """Read an object and run the handlers of `event_type` on it, as if such an event had just come; returns the object.

    For the return pages and the reconciliation of plans, with the guarantees of the webhook. Raises what reading the
    object raises, and whatever a handler raises.
    """
    handlers = handlers_for(event_type)
    for _ in range(MAX_READINGS):
        read_from = _database_clock()
        data = objects.retrieve(object_type=object_type, object_id=object_id)
        is_copied = not _mirror(data)
        with transaction.atomic():
            if HandledObject.take(object_id=object_id, read_from=read_from, is_copied=is_copied):
                _run(handlers, ObjectChange(data=data, event_type=event_type, event_created=now, now=now))
                return data
    raise ObjectIsBusy(f"{object_id} kept changing hands; try again.")


def backoff(*, attempts: int, stripe_id: str) -> timedelta:
    """Half a minute, doubling up to six hours, plus up to a tenth that depends on the id: no two events in step."""
    wait = min(FIRST_BACKOFF * 2 ** min(attempts - 1, 12), LONGEST_BACKOFF)
    return wait * (1 + zlib.crc32(stripe_id.encode()) % 100 / 1000)


def _process(event: StripeEvent, now: datetime) -> None:
    handlers = handlers_for(event.type)
    if not handlers and not djstripe_mirror.is_mirrored(event.object_type):
        _finish(event, status=StripeEvent.Status.IGNORED, processed_at=now, last_error="")
        return
    is_mirrored = HandledObject.mirror_shows(event)
    if is_mirrored and not handlers:
        _finish(event, status=StripeEvent.Status.DONE, processed_at=now, last_error="", mirror_error="")
        return
    for _ in range(MAX_READINGS):
        read_from = _database_clock()
        data = _fresh(event)
        if data is None:
            _finish(
                event,
                status=StripeEvent.Status.IGNORED,
                processed_at=now,
                last_error="Stripe has no such object any more, so there was nothing to do.",
            )
            return
        mirror_error = "" if is_mirrored else _mirror(data)
        with transaction.atomic():
            key, is_copied = event.object_id or event.stripe_id, not (is_mirrored or mirror_error)
            if not HandledObject.take(object_id=key, read_from=read_from, is_copied=is_copied):
                continue
            _run(handlers, ObjectChange(data=data, event_type=event.type, event_created=event.created, now=now))
            _finish(
                event,
                status=StripeEvent.Status.DONE,
                processed_at=now,
                last_error="",
                mirror_error=mirror_error,
            )
            return
    raise ObjectIsBusy(f"{event.object_id} kept changing hands; it is tried again later.")


def _fresh(event: StripeEvent) -> StripeObject | None:
    """The object as Stripe has it now; its last snapshot, marked deleted, when it was deleted; None when it is gone."""
    snapshot: StripeObject = event.payload["data"]["object"]
    if event.type in SNAPSHOT_ONLY or not objects.can_retrieve(event.object_type) or not event.object_id:
        return snapshot
    try:
        return objects.retrieve(object_type=event.object_type, object_id=event.object_id)
    except StripeNotFound:
        return snapshot | {"deleted": True} if event.type.endswith(".deleted") else None


def _mirror(data: StripeObject) -> str:
    """Let dj-stripe copy the object; returns why it could not, or nothing. No decision rests on the copy."""
    try:
        djstripe_mirror.sync_to_mirror(data)
    except Exception as error:
        logger.warning("dj-stripe could not copy %s: %s", data.get("id"), error, exc_info=True)
        return _reason(error)
    return ""


def _reason(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:5000]


def _run(handlers: list[Handler], change: ObjectChange) -> None:
    for handler in handlers:
        handler(change)


def _finish(event: StripeEvent, **changes: object) -> None:
    """Store the outcome, if the claim still holds. Raises `ClaimLost` if not."""
    if "next_attempt_at" not in changes:
        changes["next_attempt_at"] = None
    still_claimed = StripeEvent.objects.filter(
        pk=event.pk, status=StripeEvent.Status.PROCESSING, attempts=event.attempts
    ).update(**changes)
    if not still_claimed:
        raise ClaimLost


def _database_clock() -> datetime:
    """PostgreSQL's clock, which all workers share and tests do not move."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        moment: datetime = cursor.fetchone()[0]
    return moment
