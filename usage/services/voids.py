"""Taking an event back."""

from datetime import datetime

from django.db import transaction

from accounts.models import Organization
from core.background import after_commit
from core.errors import InvalidInput, NotFound
from usage.models import UsageEvent
from usage.services import counters, meter_states
from usage.services.counters import CountedEvent

LONGEST_REASON = 500


@transaction.atomic
def void_event(*, organization: Organization, event_id: str, reason: str, now: datetime) -> UsageEvent:
    """Stop an event from counting; what was paid for it comes back with the next settlement.

    Voiding it again is harmless and keeps the first reason. Its id stays used. Raises NotFound, InvalidInput.
    """
    if not reason.strip() or len(reason) > LONGEST_REASON:
        raise InvalidInput(f"reason must be a text of 1 to {LONGEST_REASON} characters.", field="reason")
    events = UsageEvent.objects.filter(organization=organization, event_id=event_id).select_related("meter")
    event = events.first()
    if event is None:
        raise NotFound(f"This organization has no event {event_id!r}.")
    meter_states.lock_and_mark_due({(organization.pk, event.meter_id): event.event_at}, now=now)
    event.refresh_from_db()
    if event.voided_at is None:
        event.voided_at, event.void_reason = now, reason
        event.save(update_fields=["voided_at", "void_reason"])
        counters.uncount_event(CountedEvent.of(event))
        after_commit("usage.tasks.check_meters")
    return event
