"""What windows have counted so far, read from the counters: the same cost however long the history is."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any, NamedTuple

from core import sql_arrays
from core.prepared_statements import Statement, prepared_cursor
from core.quantities import ZERO
from usage.services.meter_states import Key

KINDS = ("bigint", "bigint", "timestamptz")

COUNTERS_SQL = """
SELECT counter.organization_id, counter.meter_id, counter.window_start, counter.segment_start,
       sum(counter.events), sum(counter.billable), max(counter.billable)
  FROM {wanted} AS wanted (organization, meter, since)
  JOIN usage_usagecounter counter ON counter.organization_id = wanted.organization
       AND counter.meter_id = wanted.meter AND counter.window_start >= wanted.since
 WHERE counter.day < %s
 GROUP BY 1, 2, 3, 4
"""

# Of the day on which a slice ends, only what happened before that instant. A subject counts from its first event on.
LAST_DAY_SQL = """
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

CARRIED_SQL = """
SELECT wanted.organization, wanted.meter, wanted.window_start, newest.counted
  FROM {wanted} AS wanted (organization, meter, window_start),
       LATERAL (SELECT counted FROM usage_usageevent event
                 WHERE event.organization_id = wanted.organization AND event.meter_id = wanted.meter
                   AND event.event_at < wanted.window_start AND event.billable AND event.voided_at IS NULL
                 ORDER BY event.event_at DESC, event.event_id DESC LIMIT 1) newest
"""


class Total(NamedTuple):
    """What one segment of a window counted; `highest` is what matters of readings."""

    events: int
    billable: Decimal
    highest: Decimal


Totals = dict[Key, dict[datetime, dict[datetime, Total]]]
"""By key, start of the window, start of the segment."""


def totals_since(since: Mapping[Key, datetime], *, until: datetime | None = None) -> Totals:
    """The totals of all windows from a start on; with `until`, of what happened before that instant."""
    if not since:
        return totals_of([])
    day = until.astimezone(UTC).date() if until else None
    with prepared_cursor() as cursor:
        cursor.execute(*counters_since(since, before=day))
        rows = cursor.fetchall()
        if until and day:
            wanted, values = _wanted(since)
            midnight = datetime.combine(day, time(), UTC)
            cursor.execute(LAST_DAY_SQL.format(wanted=wanted), [day, *values, midnight, until])
            rows += cursor.fetchall()
    return totals_of(rows)


def counters_since(since: Mapping[Key, datetime], *, before: date | None = None) -> Statement:
    """Asks for the rows of `totals_of`."""
    wanted, values = _wanted(since)
    return COUNTERS_SQL.format(wanted=wanted), [*values, before or "infinity"]


def totals_of(rows: Iterable[tuple[Any, ...]]) -> Totals:
    found: Totals = defaultdict(lambda: defaultdict(dict))
    for organization, meter, window_start, segment_start, events, billable, highest in rows:
        window = found[organization, meter][window_start]
        before = window.get(segment_start, Total(0, ZERO, ZERO))
        window[segment_start] = Total(
            before.events + int(events), before.billable + (billable or ZERO), max(before.highest, highest or ZERO)
        )
    return found


def carried_into(windows: Iterable[tuple[int, int, datetime]]) -> dict[tuple[int, int, datetime], Decimal]:
    """The reading with which each (organization, meter, window) of a `latest` meter begins."""
    rows = list(windows)
    if not rows:
        return {}
    wanted, values = sql_arrays.wanted(KINDS, rows)
    with prepared_cursor() as cursor:
        cursor.execute(CARRIED_SQL.format(wanted=wanted), values)
        return {(row[0], row[1], row[2]): row[3] for row in cursor.fetchall()}


def _wanted(since: Mapping[Key, datetime]) -> tuple[str, list[Any]]:
    return sql_arrays.wanted(KINDS, [(*key, start) for key, start in since.items()])
