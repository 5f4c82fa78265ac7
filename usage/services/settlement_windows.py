"""What there is to settle: a meter's windows, each segment with its terms, its usage, and how that was covered.

The first step of `settlement.py`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from core import sql_arrays
from core.prepared_statements import Statement, prepared_cursor
from core.quantities import ZERO
from plans.engine.terms import MeterTerms, Terms, segment_around
from plans.terms_in_force import RememberedTimeline
from usage.engine.coverage import NOTHING_COVERED, Coverage, CreditCover, SegmentUse, overages
from usage.models import MeterState
from usage.services.counters import WINDOW_KEY, SegmentTotal, Totals, carried_readings
from usage.services.meter_states import MeterKey

# Units stand in the order in which they were first drawn on.
SETTLEMENTS_SQL = """
SELECT settlement.organization_id, settlement.meter_id, settlement.window_start, settlement.segment_start,
       drawn.units, drawn.covered, drawn.charged,
       settlement.used, settlement.included, settlement.events, settlement.billed, settlement.unpaid,
       settlement.revision
  FROM {wanted} AS wanted (organization, meter, window_start)
  JOIN usage_settlement settlement ON settlement.organization_id = wanted.organization
       AND settlement.meter_id = wanted.meter AND settlement.window_start = wanted.window_start
  LEFT JOIN LATERAL (
       SELECT array_agg(unit.code ORDER BY unit.first) AS units, array_agg(unit.covered ORDER BY unit.first) AS covered,
              array_agg(unit.charged ORDER BY unit.first) AS charged
         FROM (SELECT unit_id AS code, min(id) AS first, sum(quantity - restored_quantity) AS covered,
                      sum(charged - restored) AS charged
                 FROM usage_settlementdraw WHERE settlement_id = settlement.id GROUP BY unit_id) unit
       ) drawn ON settlement.from_credits > 0
"""


class LastSettlement(NamedTuple):
    """A segment as it was last settled: the row's figures, but those that `Coverage` has."""

    used: Decimal
    included: Decimal | None
    events: int
    revision: int


@dataclass(slots=True)
class UsedSegment:
    """One segment of a window. `total` is what the window had counted at its end, `used` the charged part of it.

    `coverage` says how its overage was paid when it was last settled.
    """

    start: datetime
    terms: MeterTerms | None
    events: int
    total: Decimal
    used: Decimal
    overage: Decimal = ZERO
    last: LastSettlement | None = None
    coverage: Coverage = NOTHING_COVERED

    @property
    def charged_terms(self) -> MeterTerms | None:
        """None where nothing is charged: a plan that does not have the meter, or a commitment, which the subscription
        pays for.
        """
        return self.terms if _is_charged(self.terms) else None


@dataclass(slots=True)
class UsedWindow:
    """One window of one organization's meter, its segments oldest first."""

    key: MeterKey
    start: datetime
    end: datetime
    segments: list[UsedSegment] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class WindowQuery:
    """Which windows of a meter to read: from the one around `since` on. `aggregation` decides how totals run."""

    key: MeterKey
    meter: str
    aggregation: str
    since: datetime

    @classmethod
    def of(cls, state: MeterState, *, now: datetime) -> "WindowQuery":
        """The windows that are due to be settled."""
        return cls(state.key, state.meter.code, state.meter.aggregation, state.settle_from or now)


def used_windows(
    queries: Sequence[WindowQuery],
    *,
    timelines: Mapping[int, RememberedTimeline],
    totals: Totals,
    until: datetime,
) -> list[UsedWindow]:
    """Every window with something in it, oldest first, up to the one around `until`."""
    found = counted_windows(queries, timelines=timelines, totals=totals, until=until)
    if found:
        with prepared_cursor() as cursor:
            cursor.execute(*settlements_statement((*window.key, window.start) for window in found))
            attach_settlements(found, cursor.fetchall())
    return found


def counted_windows(
    queries: Sequence[WindowQuery],
    *,
    timelines: Mapping[int, RememberedTimeline],
    totals: Totals,
    until: datetime,
) -> list[UsedWindow]:
    """The same, before it is read how any of it was covered."""
    windows: list[tuple[WindowQuery, Terms]] = []
    for query in queries:
        timeline = timelines[query.key[0]]
        counted = totals.get(query.key, {})
        last = max([until, *counted])
        at = query.since
        while True:
            terms = timeline.terms_at(at)
            if terms.window.start in counted or query.aggregation == "latest":
                windows.append((query, terms))
            if terms.window.end > last:
                break
            at = terms.window.end
    carried = carried_readings(
        (*query.key, terms.window.start) for query, terms in windows if query.aggregation == "latest"
    )
    found = [
        _used_window(query, terms, totals, carried.get((*query.key, terms.window.start), ZERO))
        for query, terms in windows
    ]
    return sorted(found, key=lambda window: (window.key[0], window.start))


def _used_window(query: WindowQuery, terms: Terms, totals: Totals, carried: Decimal) -> UsedWindow:
    counted = totals.get(query.key, {}).get(terms.window.start, {})
    segments = terms.segments_of(query.meter)
    window = UsedWindow(query.key, terms.window.start, terms.window.end)
    running = charged_so_far = carried
    starts = [segment.start for segment, _ in segments]
    totals_of: list[list[SegmentTotal]] = [[] for _ in segments]
    for start, total in counted.items():
        totals_of[segment_around(start, starts)].append(total)
    for (segment, meter_terms), inside in zip(segments, totals_of, strict=True):
        events = sum(total.events for total in inside)
        if query.aggregation == "latest":
            running = max([running, *(total.highest for total in inside)])
            charged_so_far = running if _is_charged(meter_terms) else charged_so_far
        else:
            added = sum((total.billable for total in inside), ZERO)
            running += added
            charged_so_far += added if _is_charged(meter_terms) else ZERO
        window.segments.append(UsedSegment(segment.start, meter_terms, events, running, charged_so_far))
    charged = [(used, its_terms) for used in window.segments if (its_terms := used.charged_terms)]
    found = overages([SegmentUse(used.used, its_terms.included) for used, its_terms in charged])
    for (used, _), overage in zip(charged, found, strict=True):
        used.overage = overage
    return window


def _is_charged(terms: MeterTerms | None) -> bool:
    """What a plan does not have is not charged for, and what is committed to is paid by the subscription."""
    return terms is not None and terms.commitment is None


def settlements_statement(windows: Iterable[tuple[int, int, datetime]]) -> Statement:
    """The query whose rows `attach_settlements` takes, for each organization, meter and start of a window."""
    wanted, values = sql_arrays.rows_to_join(WINDOW_KEY, list(windows))
    return SETTLEMENTS_SQL.format(wanted=wanted), values


def attach_settlements(windows: Sequence[UsedWindow], rows: Iterable[tuple[Any, ...]]) -> None:
    """Say in each segment how it was covered."""
    segments = {
        (*window.key, window.start, segment.start): segment for window in windows for segment in window.segments
    }
    for organization, meter, window_start, segment_start, units, covered, charged, *figures in rows:
        segment = segments.get((organization, meter, window_start, segment_start))
        if segment is not None:
            used, included, events, billed, unpaid, revision = figures
            segment.last = LastSettlement(used, included, events, revision)
            covers = map(CreditCover, covered or (), charged or ())
            segment.coverage = Coverage(dict(zip(units or (), covers, strict=True)), billed, unpaid)
