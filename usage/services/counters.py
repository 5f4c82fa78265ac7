"""Keeping the counters: what one event adds, and what its void takes away again.

Called with the states of all meters concerned locked (`states.touch`, `states.lock`).
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, NamedTuple

from django.db.models import Max

from core import sql_arrays
from core.prepared_statements import prepared_cursor
from core.quantities import ZERO
from usage.models import MeterState, UsageCounter, UsageEvent
from usage.services.meter_states import Key

# Organization, meter, window, segment, day, events, quantity, billable.
KINDS: tuple[Callable[[Any], str], ...] = (
    *[sql_arrays.numbers] * 2,
    *[sql_arrays.repeated] * 3,
    *[sql_arrays.numbers] * 3,
)
COUNT_SQL = """
INSERT INTO usage_usagecounter AS counter
    (organization_id, meter_id, window_start, segment_start, day, events, quantity, billable)
SELECT * FROM unnest(%s::bigint[], %s::bigint[], %s::timestamptz[], %s::timestamptz[], %s::date[], %s::bigint[],
                     %s::numeric[], %s::numeric[])
 ORDER BY 1, 2, 3, 4, 5
    ON CONFLICT (organization_id, meter_id, window_start, segment_start, day) DO UPDATE
   SET events = counter.events + excluded.events, quantity = counter.quantity + excluded.quantity,
"""
COUNT_SUM_SQL = COUNT_SQL + "billable = counter.billable + excluded.billable"
COUNT_HIGHEST_SQL = COUNT_SQL + "billable = greatest(counter.billable, excluded.billable)"

READING_SQL = """
UPDATE usage_meterstate AS state
   SET reading = newest.reading, reading_at = newest.at, reading_id = newest.id
  FROM unnest(%s::bigint[], %s::bigint[], %s::numeric[], %s::timestamptz[], %s::text[])
       AS newest (organization, meter, reading, at, id)
 WHERE state.organization_id = newest.organization AND state.meter_id = newest.meter
   AND (state.reading_at IS NULL OR (state.reading_at, state.reading_id) < (newest.at, newest.id COLLATE "C"))
"""

SUBJECTS_SQL = """
SELECT subject.organization_id, subject.meter_id, subject.window_start, subject.subject, subject.segment_start,
       subject.day, subject.live_events
  FROM unnest(%s::bigint[], %s::bigint[], %s::timestamptz[], %s::text[])
       AS named (organization, meter, window_start, subject)
  JOIN usage_windowsubject subject ON subject.organization_id = named.organization AND subject.meter_id = named.meter
       AND subject.window_start = named.window_start AND subject.subject = named.subject
"""

KEEP_SUBJECTS_SQL = """
INSERT INTO usage_windowsubject (organization_id, meter_id, window_start, subject, segment_start, day, live_events)
SELECT * FROM unnest(%s::bigint[], %s::bigint[], %s::timestamptz[], %s::text[], %s::timestamptz[], %s::date[],
                     %s::bigint[])
 ORDER BY 1, 2, 3, 4
    ON CONFLICT (organization_id, meter_id, window_start, subject) DO UPDATE
   SET segment_start = excluded.segment_start, day = excluded.day, live_events = excluded.live_events
"""


class Counted(NamedTuple):
    """An event and where it counts."""

    organization_id: int
    meter_id: int
    aggregation: str
    window_start: datetime
    segment_start: datetime
    event_at: datetime
    event_id: str
    quantity: Decimal
    counted: Decimal
    subject: str
    billable: bool


CounterKey = tuple[int, int, datetime, datetime, date]
SubjectKey = tuple[int, int, datetime, str]


class Deltas:
    """What to add to the counters, gathered before it is written at once."""

    def __init__(self) -> None:
        self.sums: dict[CounterKey, list[Decimal | int]] = {}
        self.highest: dict[CounterKey, list[Decimal | int]] = {}

    def add(self, key: CounterKey, *, events: int = 0, quantity: Decimal = ZERO, billable: Decimal = ZERO) -> None:
        found = self.sums.get(key)
        if found is None:
            self.sums[key] = [events, quantity, billable]
            return
        found[0] += events
        found[1] += quantity
        found[2] += billable

    def reach(self, key: CounterKey, *, events: int, quantity: Decimal, reading: Decimal) -> None:
        found = self.highest.setdefault(key, [0, ZERO, ZERO])
        found[0] += events
        found[1] += quantity
        found[2] = max(found[2], reading)

    def write(self) -> None:
        _write(COUNT_SUM_SQL, self.sums)
        _write(COUNT_HIGHEST_SQL, self.highest)


def count(events: Sequence[Counted]) -> None:
    """Add events that were just written."""
    deltas = Deltas()
    named: list[Counted] = []
    newest: dict[Key, Counted] = {}
    for event in events:
        key = (event.organization_id, event.meter_id, event.window_start, event.segment_start, event.event_at.date())
        if event.aggregation == "latest":
            deltas.reach(key, events=1, quantity=event.quantity, reading=event.counted)
            if event.billable:
                known = newest.get(key[:2])
                if known is None or (known.event_at, known.event_id) < (event.event_at, event.event_id):
                    newest[key[:2]] = event
        elif event.aggregation == "unique":
            deltas.add(key, events=1, quantity=event.quantity)
            if event.billable:
                named.append(event)
        else:
            deltas.add(key, events=1, quantity=event.quantity, billable=event.counted)
    if named:
        _name_subjects(named, deltas)
    deltas.write()
    if newest:
        _remember_readings(newest)


def uncount(event: Counted) -> None:
    """Take back an event that was just voided (or moved elsewhere): as if it had never counted."""
    key = (event.organization_id, event.meter_id, event.window_start, event.segment_start, event.event_at.date())
    deltas = Deltas()
    if event.aggregation == "latest":
        deltas.add(key, events=-1, quantity=-event.quantity)
        deltas.write()
        if event.billable:
            _find_highest_again(key)
            _find_reading_again(event)
        return
    billable = event.counted if event.aggregation != "unique" else ZERO
    deltas.add(key, events=-1, quantity=-event.quantity, billable=-billable)
    if event.aggregation == "unique" and event.billable:
        _unname_subject(event, deltas)
    deltas.write()


def _write(sql: str, rows: dict[CounterKey, list[Decimal | int]]) -> None:
    if not rows:
        return
    columns = list(zip(*((*key, *values) for key, values in rows.items()), strict=True))
    with prepared_cursor() as cursor:
        cursor.execute(sql, [kind(column) for kind, column in zip(KINDS, columns, strict=True)])


def _name_subjects(named: Iterable[Counted], deltas: Deltas) -> None:
    """A subject counts once per window, on the day and in the segment of its first event."""
    first: dict[SubjectKey, tuple[datetime, date]] = {}
    added: dict[SubjectKey, int] = {}
    for event in named:
        key = (event.organization_id, event.meter_id, event.window_start, event.subject)
        place = (event.segment_start, event.event_at.date())
        first[key] = min(first.get(key, place), place)
        added[key] = added.get(key, 0) + 1
    known = _known_subjects(first)
    kept: list[tuple[object, ...]] = []
    for key, place in first.items():
        segment_start, day, live = known.get(key, (*place, 0))
        if not live:
            deltas.add((*key[:3], *place), billable=Decimal(1))
        elif place < (segment_start, day):
            deltas.add((*key[:3], segment_start, day), billable=Decimal(-1))
            deltas.add((*key[:3], *place), billable=Decimal(1))
        else:
            place = (segment_start, day)
        kept.append((*key, *place, live + added[key]))
    _keep_subjects(kept)


def _unname_subject(event: Counted, deltas: Deltas) -> None:
    key = (event.organization_id, event.meter_id, event.window_start, event.subject)
    segment_start, day, live = _known_subjects([key])[key]
    deltas.add((*key[:3], segment_start, day), billable=Decimal(-1))
    place = (segment_start, day)
    if live > 1:
        first = (
            UsageEvent.objects.counting()
            .of_window(organization_id=key[0], meter_id=key[1], window_start=key[2])
            .filter(subject=event.subject)
            .order_by("event_at")
            .first()
        )
        assert first is not None  # `live` counts them
        place = (first.segment_start, first.event_at.date())
        deltas.add((*key[:3], *place), billable=Decimal(1))
    _keep_subjects([(*key, *place, live - 1)])


def _known_subjects(keys: Iterable[SubjectKey]) -> dict[SubjectKey, tuple[datetime, date, int]]:
    with prepared_cursor() as cursor:
        cursor.execute(SUBJECTS_SQL, [list(column) for column in zip(*keys, strict=True)])
        return {(row[0], row[1], row[2], row[3]): (row[4], row[5], row[6]) for row in cursor.fetchall()}


def _keep_subjects(rows: Iterable[tuple[object, ...]]) -> None:
    with prepared_cursor() as cursor:
        cursor.execute(KEEP_SUBJECTS_SQL, [list(column) for column in zip(*rows, strict=True)])


def _remember_readings(newest: dict[Key, Counted]) -> None:
    rows = [(*key, event.counted, event.event_at, event.event_id) for key, event in sorted(newest.items())]
    with prepared_cursor() as cursor:
        cursor.execute(READING_SQL, [list(column) for column in zip(*rows, strict=True)])


def _find_highest_again(key: CounterKey) -> None:
    organization_id, meter_id, window_start, segment_start, day = key
    events = (
        UsageEvent.objects.counting()
        .of_window(organization_id=organization_id, meter_id=meter_id, window_start=window_start)
        .filter(segment_start=segment_start, event_at__date=day)
    )
    highest = events.aggregate(highest=Max("counted"))["highest"] or ZERO
    UsageCounter.objects.filter(
        organization_id=organization_id,
        meter_id=meter_id,
        window_start=window_start,
        segment_start=segment_start,
        day=day,
    ).update(billable=highest)


def _find_reading_again(event: Counted) -> None:
    newest = newest_reading(organization_id=event.organization_id, meter_id=event.meter_id)
    MeterState.objects.filter(organization_id=event.organization_id, meter_id=event.meter_id).update(
        reading=newest.counted if newest else None,
        reading_at=newest.event_at if newest else None,
        reading_id=newest.event_id if newest else "",
    )


def newest_reading(*, organization_id: int, meter_id: int, before: datetime | None = None) -> UsageEvent | None:
    """The newest live reading by (time, id), or the newest before an instant: what is carried into its window."""
    readings = UsageEvent.objects.counting().filter(organization_id=organization_id, meter_id=meter_id)
    if before is not None:
        readings = readings.filter(event_at__lt=before)
    return readings.order_by("-event_at", "-event_id").first()
