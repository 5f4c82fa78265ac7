"""Taking events in: has to be fast, and never counts anything twice.

Each event is checked (`usage/engine/event_validation.py`); the states of the meters are locked and marked
(`meter_states.py`); the window and the segment in which it counts are found (`segments.py`); what is new is stored and
counted (`counters.py`).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import DataError, transaction

from accounts.models import Organization
from core import sql_arrays
from core.background import after_commit
from core.prepared_statements import prepared_cursor
from plans.models import Meter
from plans.terms_in_force import timelines_for
from usage.engine.event_validation import EventMeter, ValidEvent, validate_event
from usage.errors import EventRejected
from usage.services import counters, meter_states
from usage.services.meter_states import MeterKey
from usage.services.segments import EventSegment, SegmentFinder

ORGANIZATIONS_SQL = """
SELECT organization.public_id, organization.id
  FROM unnest(%s::text[]) AS named (id) JOIN accounts_organization organization ON organization.public_id = named.id
"""

SENT = """unnest(%(organizations)s::bigint[], %(ids)s::text[], %(meters)s::bigint[], %(ats)s::timestamptz[],
              %(quantities)s::numeric[], %(statuses)s::text[], %(durations)s::bigint[], %(subjects)s::text[],
              %(properties)s::jsonb[]"""
INSERT_SQL = f"""
INSERT INTO usage_usageevent
    (organization_id, event_id, meter_id, event_at, quantity, status, duration_ms, subject, properties, billable,
     not_billable, counted, window_start, segment_start, void_reason, created_at)
SELECT organization, id, meter, at, quantity, status, duration, subject, properties, not_billable = '', not_billable,
       counted, window_start, segment_start, '', %(now)s
  FROM {SENT}, %(not_billables)s::text[], %(counteds)s::numeric[], %(windows)s::timestamptz[],
              %(segments)s::timestamptz[])
       AS sent (organization, id, meter, at, quantity, status, duration, subject, properties, not_billable, counted,
                window_start, segment_start)
    ON CONFLICT (organization_id, event_id) DO NOTHING
RETURNING organization_id, event_id
"""  # noqa: S608  our own text

# An event sent without a time (null here) is the same whatever time we gave it at first.
DIFFERENT_SQL = f"""
SELECT sent.place
  FROM {SENT}) WITH ORDINALITY
       AS sent (organization, id, meter, at, quantity, status, duration, subject, properties, place)
  JOIN usage_usageevent event ON event.organization_id = sent.organization AND event.event_id = sent.id
 WHERE (event.meter_id, event.quantity, event.status, event.subject, event.properties)
       <> (sent.meter, sent.quantity, sent.status, sent.subject, sent.properties)
    OR event.duration_ms IS DISTINCT FROM sent.duration OR event.event_at <> sent.at
"""  # noqa: S608  our own text

EventKey = tuple[int, str]
"""Organization, and the product's own id."""

Batch = Sequence[tuple[int, ValidEvent]]
"""Events that can be taken in, each with its place in what was sent."""


@dataclass(frozen=True, slots=True)
class RejectedEvent:
    """An event that was not taken in, by its place in the batch; `code` is one of the API's reject codes."""

    index: int
    id: str | None
    code: str
    message: str


@dataclass(slots=True)
class IngestResult:
    """What became of a batch. Every event is accepted, a duplicate, or rejected."""

    accepted: int = 0
    duplicates: int = 0
    rejected: list[RejectedEvent] = field(default_factory=list)


def ingest(*, events: Sequence[Any], organization: Organization | None = None, now: datetime) -> IngestResult:
    """Take events in, as JSON gave them. `organization` is the only one within reach of the caller; None: all are.

    One bad event never rejects its neighbours: each that is not taken is named in the answer, with the reason. Taking
    the same event in again is harmless, for ever.

    Pays for nothing: what it marks is settled by the tally (`tally.py`) four times a day, or when an invoice closes.
    """
    result = IngestResult()
    batch = _validate(events, organization, result, now)
    if batch:
        try:
            with transaction.atomic():
                _store(batch, result, now)
        except DataError:
            _store_one_by_one(batch, result, now)
    result.rejected.sort(key=lambda rejected: rejected.index)
    return result


def event_meters() -> dict[str, EventMeter]:
    """The meters in use, by code."""
    return {
        meter.code: EventMeter(meter.pk, meter.code, meter.aggregation, meter.rule) for meter in Meter.objects.in_use()
    }


def store_events(events: Sequence[ValidEvent], segments: Sequence[EventSegment], *, now: datetime) -> set[EventKey]:
    """Insert events, each with the segment in which it counts, and count those that are new. Returns the new ones.

    The states of their meters are locked, and they come in the order of their keys, so that no two batches wait for
    each other.
    """
    with prepared_cursor() as cursor:
        cursor.execute(
            INSERT_SQL,
            {
                **_columns(events),
                "not_billables": sql_arrays.texts(event.not_billable for event in events),
                "counteds": sql_arrays.numbers(event.counted for event in events),
                "windows": sql_arrays.repeated([segment.window_start for segment in segments]),
                "segments": sql_arrays.repeated([segment.segment_start for segment in segments]),
                "now": now,
            },
        )
        new: set[EventKey] = set(cursor.fetchall())
    counters.count_events(
        [_counted(event, segment) for event, segment in zip(events, segments, strict=True) if event[:2] in new]
    )
    return new


def _columns(batch: Iterable[ValidEvent], *, as_sent: bool = False) -> dict[str, str]:
    """The parameters of `SENT`; with `as_sent` without the times of events that were sent without one."""
    organizations, ids, meters, ats, timed, quantities, statuses, durations, subjects, properties, _, _ = zip(
        *batch, strict=True
    )
    return {
        "organizations": sql_arrays.numbers(organizations),
        "ids": sql_arrays.texts(ids),
        "meters": sql_arrays.numbers(meter.pk for meter in meters),
        "ats": sql_arrays.moments(
            at if is_timed or not as_sent else None for at, is_timed in zip(ats, timed, strict=True)
        ),
        "quantities": sql_arrays.numbers(quantities),
        "statuses": sql_arrays.texts(statuses),
        "durations": sql_arrays.numbers(durations),
        "subjects": sql_arrays.texts(subjects),
        "properties": sql_arrays.texts(properties),
    }


def _counted(event: ValidEvent, segment: EventSegment) -> counters.CountedEvent:
    return counters.CountedEvent(
        event.organization_id,
        event.meter.pk,
        event.meter.aggregation,
        segment.window_start,
        segment.segment_start,
        event.event_at,
        event.event_id,
        event.quantity,
        event.counted,
        event.subject,
        not event.not_billable,
    )


def _validate(events: Sequence[Any], organization: Organization | None, result: IngestResult, now: datetime) -> Batch:
    organizations = _within_reach(events, organization)
    meters = event_meters()
    valid: list[tuple[int, ValidEvent]] = []
    for index, raw in enumerate(events):
        try:
            valid.append((index, validate_event(raw, organizations=organizations, meters=meters, now=now)))
        except EventRejected as rejected:
            result.rejected.append(RejectedEvent(index, _id_of(raw), rejected.code, rejected.message))
    return valid


def _within_reach(events: Sequence[Any], organization: Organization | None) -> dict[str, int]:
    if organization is not None:
        return {organization.public_id: organization.pk}
    named = {raw["organization"] for raw in events if isinstance(raw, dict) and _is_id(raw.get("organization"))}
    with prepared_cursor() as cursor:
        cursor.execute(ORGANIZATIONS_SQL, [sql_arrays.texts(named)])
        return dict(cursor.fetchall())


def _is_id(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= 40


def _id_of(raw: Any) -> str | None:
    given = raw.get("id") if isinstance(raw, dict) else None
    return given if isinstance(given, str) else None


def _store(batch: Batch, result: IngestResult, now: datetime) -> None:
    since: dict[MeterKey, datetime] = {}
    firsts: dict[EventKey, ValidEvent] = {}
    for _, event in batch:
        key = (event.organization_id, event.meter.pk)
        since[key] = min(since.get(key, event.event_at), event.event_at)
        firsts.setdefault(event[:2], event)
    # Locked before the terms are read: whoever changes terms locks them too, so an event is counted under the terms
    # that hold when it commits.
    is_first_since_check = meter_states.lock_and_mark_due(since, now=now)
    segments = SegmentFinder(timelines_for(organization_ids={pk for pk, _ in since}, since=min(since.values())))
    events = [firsts[key] for key in sorted(firsts)]
    new = store_events(
        events,
        [segments.segment_of(event.organization_id, event.meter.code, event.event_at) for event in events],
        now=now,
    )
    result.accepted += len(new)
    if len(new) < len(batch):
        repeats = [(i, event) for i, event in batch if event[:2] not in new or firsts[event[:2]] is not event]
        _sort_repeats(repeats, result)
    if is_first_since_check and new:
        after_commit("usage.tasks.check_meters")


def _store_one_by_one(batch: Batch, result: IngestResult, now: datetime) -> None:
    """For a batch that adds up to more than a counter keeps: only the events that do not fit are rejected."""
    for index, event in batch:
        try:
            with transaction.atomic():
                _store([(index, event)], result, now)
        except DataError:
            message = "With this quantity the window would add up to more than can be kept."
            result.rejected.append(RejectedEvent(index, event.event_id, "invalid_quantity", message))


def _sort_repeats(repeats: Batch, result: IngestResult) -> None:
    """Events whose id is taken: duplicates, or rejected because under this id they said something else before."""
    with prepared_cursor() as cursor:
        cursor.execute(DIFFERENT_SQL, _columns((event for _, event in repeats), as_sent=True))
        different = [repeats[place - 1] for (place,) in cursor.fetchall()]
    result.duplicates += len(repeats) - len(different)
    message = "This id was used before for another event. Use a new id for a new event."
    result.rejected += [RejectedEvent(index, event.event_id, "id_conflict", message) for index, event in different]
