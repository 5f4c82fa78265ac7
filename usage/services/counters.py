"""The counters: what an event adds to them, what its void takes away again, and what windows have counted so far.

Writers have the states of all meters concerned locked (`meter_states`). Reading costs the same however long the
history is.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any, NamedTuple

from django.db.models import Max

from core import sql_arrays
from core.prepared_statements import Statement, prepared_cursor
from core.quantities import ZERO
from usage.models import MeterState, UsageCounter, UsageEvent
from usage.services.meter_states import MeterKey

# Organization, meter, window, segment, day, events, quantity, billable.
WRITERS: tuple[Callable[[Any], str], ...] = (
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

# The columns that name windows of meters, as `sql_arrays.rows_to_join` takes them.
WINDOW_KEY = ("bigint", "bigint", "timestamptz")

TOTALS_SQL = """
SELECT counter.organization_id, counter.meter_id, counter.window_start, counter.segment_start,
       sum(counter.events), sum(counter.billable), max(counter.billable)
  FROM {wanted} AS wanted (organization, meter, since)
  JOIN usage_usagecounter counter ON counter.organization_id = wanted.organization
       AND counter.meter_id = wanted.meter AND counter.window_start >= wanted.since
 WHERE counter.day < %s
 GROUP BY 1, 2, 3, 4
"""

# Of the day on which a slice ends, only what happened before that instant. A subject counts from its first event on.
TOTALS_OF_LAST_DAY_SQL = """
SELECT event.organization_id, event.meter_id, event.window_start, event.segment_start,
       count(*), CASE WHEN meter.aggregation = 'unique' THEN count(DISTINCT event.subject) FILTER (
           WHERE (subject.day, subject.segment_start) = (%s::date, event.segment_start))
       ELSE sum(event.counted) END, max(event.counted)
  FROM {wanted} AS wanted (organization, meter, since)
  JOIN plans_meter meter ON meter.id = wanted.meter
  JOIN usage_usageevent event ON event.organization_id = wanted.organization AND event.meter_id = wanted.meter
       AND event.event_at >= %s AND event.event_at < %s
       AND event.window_start >= wanted.since AND event.billable AND event.voided_at IS NULL
  LEFT JOIN usage_windowsubject subject ON meter.aggregation = 'unique'
       AND subject.organization_id = event.organization_id AND subject.meter_id = event.meter_id
       AND subject.window_start = event.window_start AND subject.subject = event.subject
 GROUP BY 1, 2, 3, 4, meter.aggregation
"""

CARRIED_READING_SQL = """
SELECT wanted.organization, wanted.meter, wanted.window_start, newest.counted
  FROM {wanted} AS wanted (organization, meter, window_start),
       LATERAL (SELECT counted FROM usage_usageevent event
                 WHERE event.organization_id = wanted.organization AND event.meter_id = wanted.meter
                   AND event.event_at < wanted.window_start AND event.billable AND event.voided_at IS NULL
                 ORDER BY event.event_at DESC, event.event_id DESC LIMIT 1) newest
"""


class CountedEvent(NamedTuple):
    """An event and the segment in which it counts. `counted` is what it adds to its meter; of readings, the reading."""

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

    @classmethod
    def of(cls, event: UsageEvent) -> "CountedEvent":
        return cls(
            event.organization_id,
            event.meter_id,
            event.meter.aggregation,
            event.window_start,
            event.segment_start,
            event.event_at,
            event.event_id,
            event.quantity,
            event.counted,
            event.subject,
            event.billable,
        )


class SegmentTotal(NamedTuple):
    """What one segment of a window has counted; `highest` is the highest reading."""

    events: int
    billable: Decimal
    highest: Decimal


Totals = dict[MeterKey, dict[datetime, dict[datetime, SegmentTotal]]]
"""By key, start of the window, start of the segment."""


CounterKey = tuple[int, int, datetime, datetime, date]
"""Organization, meter, start of the window, start of the segment, day."""
SubjectKey = tuple[int, int, datetime, str]
"""Organization, meter, start of the window, subject."""


class CounterChanges:
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


def count_events(events: Sequence[CountedEvent]) -> None:
    """Add events that were just written."""
    changes = CounterChanges()
    with_subject: list[CountedEvent] = []
    newest: dict[MeterKey, CountedEvent] = {}
    for event in events:
        key = (event.organization_id, event.meter_id, event.window_start, event.segment_start, event.event_at.date())
        if event.aggregation == "latest":
            changes.reach(key, events=1, quantity=event.quantity, reading=event.counted)
            if event.billable:
                known = newest.get(key[:2])
                if known is None or (known.event_at, known.event_id) < (event.event_at, event.event_id):
                    newest[key[:2]] = event
        elif event.aggregation == "unique":
            changes.add(key, events=1, quantity=event.quantity)
            if event.billable:
                with_subject.append(event)
        else:
            changes.add(key, events=1, quantity=event.quantity, billable=event.counted)
    if with_subject:
        _count_subjects(with_subject, changes)
    changes.write()
    if newest:
        _keep_readings(newest)


def uncount_event(event: CountedEvent) -> None:
    """Take back an event that was just voided (or moved elsewhere): as if it had never counted."""
    key = (event.organization_id, event.meter_id, event.window_start, event.segment_start, event.event_at.date())
    changes = CounterChanges()
    if event.aggregation == "latest":
        changes.add(key, events=-1, quantity=-event.quantity)
        changes.write()
        if event.billable:
            _find_highest_again(key)
            _find_reading_again(event)
        return
    billable = event.counted if event.aggregation != "unique" else ZERO
    changes.add(key, events=-1, quantity=-event.quantity, billable=-billable)
    if event.aggregation == "unique" and event.billable:
        _uncount_subject(event, changes)
    changes.write()


def read_totals(since: Mapping[MeterKey, datetime], *, until: datetime | None = None) -> Totals:
    """The totals of all windows from a start on; with `until`, of what happened before that instant."""
    if not since:
        return totals_from([])
    day = until.astimezone(UTC).date() if until else None
    with prepared_cursor() as cursor:
        cursor.execute(*totals_statement(since, before=day))
        rows = cursor.fetchall()
        if until and day:
            wanted, values = _wanted(since)
            midnight = datetime.combine(day, time(), UTC)
            cursor.execute(TOTALS_OF_LAST_DAY_SQL.format(wanted=wanted), [day, *values, midnight, until])
            rows += cursor.fetchall()
    return totals_from(rows)


def totals_statement(since: Mapping[MeterKey, datetime], *, before: date | None = None) -> Statement:
    """The query whose rows `totals_from` takes; with `before`, of the days before that one."""
    wanted, values = _wanted(since)
    return TOTALS_SQL.format(wanted=wanted), [*values, before or "infinity"]


def totals_from(rows: Iterable[tuple[Any, ...]]) -> Totals:
    found: Totals = defaultdict(lambda: defaultdict(dict))
    for organization, meter, window_start, segment_start, events, billable, highest in rows:
        window = found[organization, meter][window_start]
        before = window.get(segment_start, SegmentTotal(0, ZERO, ZERO))
        window[segment_start] = SegmentTotal(
            before.events + int(events), before.billable + (billable or ZERO), max(before.highest, highest or ZERO)
        )
    return found


def carried_readings(windows: Iterable[tuple[int, int, datetime]]) -> dict[tuple[int, int, datetime], Decimal]:
    """The reading with which each (organization, meter, window) of a `latest` meter begins."""
    rows = list(windows)
    if not rows:
        return {}
    wanted, values = sql_arrays.rows_to_join(WINDOW_KEY, rows)
    with prepared_cursor() as cursor:
        cursor.execute(CARRIED_READING_SQL.format(wanted=wanted), values)
        return {(row[0], row[1], row[2]): row[3] for row in cursor.fetchall()}


def _write(sql: str, rows: dict[CounterKey, list[Decimal | int]]) -> None:
    if not rows:
        return
    columns = list(zip(*((*key, *values) for key, values in rows.items()), strict=True))
    with prepared_cursor() as cursor:
        cursor.execute(sql, [write(column) for write, column in zip(WRITERS, columns, strict=True)])


def _count_subjects(events: Iterable[CountedEvent], changes: CounterChanges) -> None:
    """A subject counts once per window, on the day and in the segment of its first event."""
    first: dict[SubjectKey, tuple[datetime, date]] = {}
    added: dict[SubjectKey, int] = {}
    for event in events:
        key = (event.organization_id, event.meter_id, event.window_start, event.subject)
        counted_on = (event.segment_start, event.event_at.date())
        first[key] = min(first.get(key, counted_on), counted_on)
        added[key] = added.get(key, 0) + 1
    known = _known_subjects(first)
    kept: list[tuple[object, ...]] = []
    for key, counted_on in first.items():
        segment_start, day, live = known.get(key, (*counted_on, 0))
        if not live:
            changes.add((*key[:3], *counted_on), billable=Decimal(1))
        elif counted_on < (segment_start, day):
            changes.add((*key[:3], segment_start, day), billable=Decimal(-1))
            changes.add((*key[:3], *counted_on), billable=Decimal(1))
        else:
            counted_on = (segment_start, day)
        kept.append((*key, *counted_on, live + added[key]))
    _keep_subjects(kept)


def _uncount_subject(event: CountedEvent, changes: CounterChanges) -> None:
    key = (event.organization_id, event.meter_id, event.window_start, event.subject)
    segment_start, day, live = _known_subjects([key])[key]
    changes.add((*key[:3], segment_start, day), billable=Decimal(-1))
    counted_on = (segment_start, day)
    if live > 1:
        first = (
            UsageEvent.objects.counting()
            .of_window(organization_id=key[0], meter_id=key[1], window_start=key[2])
            .filter(subject=event.subject)
            .order_by("event_at")
            .first()
        )
        assert first is not None  # `live` counts them
        counted_on = (first.segment_start, first.event_at.date())
        changes.add((*key[:3], *counted_on), billable=Decimal(1))
    _keep_subjects([(*key, *counted_on, live - 1)])


def _known_subjects(keys: Iterable[SubjectKey]) -> dict[SubjectKey, tuple[datetime, date, int]]:
    with prepared_cursor() as cursor:
        cursor.execute(SUBJECTS_SQL, [list(column) for column in zip(*keys, strict=True)])
        return {(row[0], row[1], row[2], row[3]): (row[4], row[5], row[6]) for row in cursor.fetchall()}


def _keep_subjects(rows: Iterable[tuple[object, ...]]) -> None:
    with prepared_cursor() as cursor:
        cursor.execute(KEEP_SUBJECTS_SQL, [list(column) for column in zip(*rows, strict=True)])


def _keep_readings(newest: dict[MeterKey, CountedEvent]) -> None:
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


def _find_reading_again(event: CountedEvent) -> None:
    """The newest live reading, by time and then id."""
    readings = UsageEvent.objects.counting().filter(organization_id=event.organization_id, meter_id=event.meter_id)
    newest = readings.order_by("-event_at", "-event_id").first()
    MeterState.objects.filter(organization_id=event.organization_id, meter_id=event.meter_id).update(
        reading=newest.counted if newest else None,
        reading_at=newest.event_at if newest else None,
        reading_id=newest.event_id if newest else "",
    )


def _wanted(since: Mapping[MeterKey, datetime]) -> tuple[str, list[Any]]:
    return sql_arrays.rows_to_join(WINDOW_KEY, [(*key, start) for key, start in since.items()])
