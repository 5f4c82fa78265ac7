"""In which segment of which window an event counts, and how it moves when the terms around it change.

A segment is a part of a window under one set of terms. A window whose terms do not change has one.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from django.db import transaction

from accounts.models import Organization
from core.background import after_commit
from plans.engine.terms import Segment, Terms, segment_around
from plans.models import Meter, Plan, TermsPeriod
from plans.terms_in_force import RememberedTimeline, timelines_for
from usage.models import MeterState, UsageEvent
from usage.services import counters, meter_states
from usage.services.counters import CountedEvent


class EventSegment(NamedTuple):
    """Where an event counts. A window is identified by its start, a segment by its own; `end` is the segment's."""

    window_start: datetime
    segment_start: datetime
    end: datetime


class SegmentFinder:
    """Finds the segments of many events after one look at each organization's terms."""

    def __init__(self, timelines: Mapping[int, RememberedTimeline]) -> None:
        self._timelines = timelines
        self._found: dict[tuple[int, str], list[EventSegment]] = {}

    def segment_of(self, organization_id: int, meter: str, at: datetime) -> EventSegment:
        found = self._found.setdefault((organization_id, meter), [])
        for known in found:
            if known.segment_start <= at < known.end:
                return known
        terms = self._timelines[organization_id].terms_at(at)
        segment = segment_at(terms, meter, at)
        found.append(EventSegment(terms.window.start, segment.start, segment.end))
        return found[-1]


def segment_at(terms: Terms, meter: str, at: datetime) -> Segment:
    """The segment around `at`, as this meter sees them: a change of terms that does not concern it begins none."""
    if len(terms.segments) == 1:
        return terms.segment
    segments = [segment for segment, _ in terms.segments_of(meter)]
    return segments[segment_around(at, [segment.start for segment in segments])]


@transaction.atomic
def apply_new_terms(*, organization: Organization, since: datetime, now: datetime) -> None:
    """An organization's terms differ from `since` on: events from then on that were counted under the old ones move to
    the segments of the new, and all is settled anew.
    """
    keys = {(organization.pk, meter): since for meter in Meter.objects.values_list("pk", flat=True)}
    # Missing rows are made as well: that waits for a transaction that is just counting an event under the old terms.
    meter_states.lock_and_mark_due(keys, now=now)
    segments = SegmentFinder(timelines_for(organization_ids=[organization.pk], since=since))
    events = UsageEvent.objects.filter(organization=organization, event_at__gte=since).select_related("meter")
    for event in events.order_by("event_at"):
        segment = segments.segment_of(organization.pk, event.meter.code, event.event_at)
        if (event.window_start, event.segment_start) != (segment.window_start, segment.segment_start):
            _move(event, segment)
    after_commit("usage.tasks.check_meters")


def apply_new_catalogue(*, plan_ids: list[int], now: datetime) -> None:
    """What these plans say differs from now on: the organizations on them are settled and checked anew."""
    on_them = TermsPeriod.objects.filter(plan__in=plan_ids).values("organization")
    waiting = MeterState.objects.filter(organization__in=on_them)
    if Plan.objects.filter(pk__in=plan_ids, is_default=True).exists():
        waiting = MeterState.objects.all()
    waiting.filter(settle_at=None).update(settle_at=now, settle_from=now)
    waiting.filter(check_at=None).update(check_at=now)
    for organization in Organization.objects.filter(
        pk__in=UsageEvent.objects.filter(event_at__gte=now).values("organization")
    ):
        apply_new_terms(organization=organization, since=now, now=now)


def _move(event: UsageEvent, segment: EventSegment) -> None:
    """As if it were voided and reported anew; one that is voided stays so."""
    UsageEvent.objects.filter(pk=event.pk).update(voided_at=event.created_at)
    if event.voided_at is None:
        counters.uncount_event(CountedEvent.of(event))
    event.window_start, event.segment_start = segment.window_start, segment.segment_start
    event.save(update_fields=["window_start", "segment_start", "voided_at"])
    if event.voided_at is None:
        counters.count_events([CountedEvent.of(event)])
