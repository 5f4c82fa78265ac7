"""When terms change: events that were counted under the old ones although they happened later move to the new."""

from datetime import datetime

from django.db import transaction

from accounts.models import Organization
from core.background import after_commit
from plans.models import Meter, Plan, TermsPeriod
from plans.terms import timelines_for
from usage.models import MeterState, UsageEvent
from usage.services import counters, meter_states
from usage.services.segments import Places
from usage.services.voids import as_counted


@transaction.atomic
def follow_terms(*, organization: Organization, since: datetime, now: datetime) -> None:
    """An organization's terms differ from `since` on: put its events of that time where they belong, settle anew."""
    keys = {(organization.pk, meter): since for meter in Meter.objects.values_list("pk", flat=True)}
    # Making the missing rows waits for whoever is making them with an event counted under the old terms.
    meter_states.touch(keys, now=now)
    places = Places(timelines_for(organization_ids=[organization.pk], since=since))
    events = UsageEvent.objects.filter(organization=organization, event_at__gte=since).select_related("meter")
    for event in events.order_by("event_at"):
        place = places.of(organization.pk, event.meter.code, event.event_at)
        if (event.window_start, event.segment_start) != (place.window_start, place.segment_start):
            _move(event, place.window_start, place.segment_start)
    after_commit("usage.tasks.watch_usage")


def follow_catalogue(*, plan_ids: list[int], now: datetime) -> None:
    """What these plans say differs from now on: the organizations on them are settled and watched anew."""
    on_them = TermsPeriod.objects.filter(plan__in=plan_ids).values("organization")
    waiting = MeterState.objects.filter(organization__in=on_them)
    if Plan.objects.filter(pk__in=plan_ids, is_default=True).exists():
        waiting = MeterState.objects.all()
    waiting.filter(settle_at=None).update(settle_at=now, settle_from=now)
    waiting.filter(watch_at=None).update(watch_at=now)
    for organization in Organization.objects.filter(
        pk__in=UsageEvent.objects.filter(event_at__gte=now).values("organization")
    ):
        follow_terms(organization=organization, since=now, now=now)


def _move(event: UsageEvent, window_start: datetime, segment_start: datetime) -> None:
    UsageEvent.objects.filter(pk=event.pk).update(voided_at=event.created_at)
    if event.voided_at is None:
        counters.uncount(as_counted(event))
    event.window_start, event.segment_start = window_start, segment_start
    event.save(update_fields=["window_start", "segment_start", "voided_at"])
    if event.voided_at is None:
        counters.count([as_counted(event)])
