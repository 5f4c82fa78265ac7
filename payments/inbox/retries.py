"""Events that were forgotten or failed: processed again by the sweep, or by staff, or given up by staff."""

from collections import Counter
from datetime import datetime

from django.db.models.functions import Now

from payments.inbox.processing import process_event
from payments.models import StripeEvent


def process_due(*, now: datetime, limit: int = 10_000) -> Counter[str]:
    """Process every event that is due, here and now; returns how many ended in which status."""
    outcomes: Counter[str] = Counter()
    for stripe_id in StripeEvent.objects.due(at=now).values_list("stripe_id", flat=True)[:limit]:
        event = process_event(stripe_id=stripe_id, now=now)
        if event is not None:
            outcomes[event.status] += 1
    return outcomes


def replay(*, event: StripeEvent, now: datetime) -> StripeEvent | None:
    """Process an event again, whatever became of it; None if a worker is processing it at this moment."""
    free = StripeEvent.objects.exclude(status=StripeEvent.Status.PROCESSING, next_attempt_at__gt=now)
    free.filter(pk=event.pk).update(
        status=StripeEvent.Status.RECEIVED,
        next_attempt_at=now,
        processed_at=None,
        last_error="",
        mirror_error="",
        stored_at=Now(),
    )
    return process_event(stripe_id=event.stripe_id, now=now)


def ignore(*, event: StripeEvent, now: datetime) -> bool:
    """Give an unfinished event up, so that it is not tried again; false if it was finished already."""
    given_up = StripeEvent.objects.unfinished().filter(pk=event.pk)
    return bool(given_up.update(status=StripeEvent.Status.IGNORED, next_attempt_at=None, processed_at=now))
