"""A meter's windows as settlement sees them: each segment with its terms, what it used and how that was paid."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from core import sql_arrays
from core.prepared_statements import Statement, prepared_cursor
from core.quantities import ZERO
from plans.engine.terms import MeterTerms, Terms
from plans.engine.windows import Window
from plans.terms import RememberedTimeline
from usage.engine.settlement import NOTHING_PAID, Cover, Paid, SegmentUse, overages
from usage.services.counter_totals import KINDS, Total, Totals, carried_into
from usage.services.meter_states import Key

NO_EVENTS = Total(0, ZERO, ZERO)


# Units stand in the order in which they were first drawn on.
SETTLED_SQL = """
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


class Settled(NamedTuple):
    """What was last settled of a segment."""

    used: Decimal
    included: Decimal | None
    events: int
    billed: Decimal
    unpaid: Decimal
    revision: int


@dataclass(slots=True)
class Part:
    """One segment of a window. `total` is what the window had counted at its end, `used` the charged part of it."""

    segment_start: datetime
    terms: MeterTerms | None
    events: int
    total: Decimal
    used: Decimal
    overage: Decimal = ZERO
    row: Settled | None = None
    paid: Paid = NOTHING_PAID


@dataclass(slots=True)
class UsedWindow:
    """One window of one organization's meter."""

    key: Key
    meter: str
    window: Window
    terms: Terms
    parts: list[Part] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Counting:
    """Which windows to look at: from the one around `since` on. `aggregation` decides how totals run."""

    key: Key
    meter: str
    aggregation: str
    since: datetime


def used_windows(
    counting: Sequence[Counting],
    *,
    timelines: Mapping[int, RememberedTimeline],
    totals: Totals,
    until: datetime,
) -> list[UsedWindow]:
    """Every window with something in it, oldest first, up to the one around `until`."""
    found = counted_windows(counting, timelines=timelines, totals=totals, until=until)
    if found:
        with prepared_cursor() as cursor:
            cursor.execute(*settled_in((*window.key, window.window.start) for window in found))
            bring_settlements(found, cursor.fetchall())
    return found


def counted_windows(
    counting: Sequence[Counting],
    *,
    timelines: Mapping[int, RememberedTimeline],
    totals: Totals,
    until: datetime,
) -> list[UsedWindow]:
    """The same before it is known how any of it was paid."""
    windows: list[tuple[Counting, Terms]] = []
    for one in counting:
        timeline = timelines[one.key[0]]
        counted = totals.get(one.key, {})
        last = max([until, *counted])
        moment = one.since
        while True:
            terms = timeline.terms_at(moment)
            if terms.window.start in counted or one.aggregation == "latest":
                windows.append((one, terms))
            if terms.window.end > last:
                break
            moment = terms.window.end
    carried = carried_into((*one.key, terms.window.start) for one, terms in windows if one.aggregation == "latest")
    found = [
        _used_window(one, terms, totals, carried.get((*one.key, terms.window.start), ZERO)) for one, terms in windows
    ]
    return sorted(found, key=lambda window: (window.key[0], window.window.start))


def _used_window(one: Counting, terms: Terms, totals: Totals, carried: Decimal) -> UsedWindow:
    counted = totals.get(one.key, {}).get(terms.window.start, {})
    segments = terms.segments_of(one.meter)
    window = UsedWindow(one.key, one.meter, terms.window, terms)
    running = charged_so_far = carried
    for position, (segment, meter_terms) in enumerate(segments):
        end = segments[position + 1][0].start if position + 1 < len(segments) else None
        inside = [
            total
            for start, total in counted.items()
            if (start >= segment.start or position == 0) and (end is None or start < end)
        ]
        events = sum(total.events for total in inside)
        if one.aggregation == "latest":
            running = max([running, *(total.highest for total in inside)])
            charged_so_far = running if is_charged(meter_terms) else charged_so_far
        else:
            added = sum((total.billable for total in inside), ZERO)
            running += added
            charged_so_far += added if is_charged(meter_terms) else ZERO
        window.parts.append(Part(segment.start, meter_terms, events, running, charged_so_far))
    charged = [part for part in window.parts if is_charged(part.terms)]
    uses = [SegmentUse(part.used, part.terms.included) for part in charged if part.terms]
    for part, overage in zip(charged, overages(uses), strict=True):
        part.overage = overage
    return window


def is_charged(terms: MeterTerms | None) -> bool:
    """What a plan does not have is not charged for, and what is committed to is paid by the subscription."""
    return terms is not None and terms.commitment is None


def settled_in(windows: Iterable[tuple[int, int, datetime]]) -> Statement:
    """Asks for the rows of `bring_settlements`: of each organization, meter and start of a window."""
    wanted, values = sql_arrays.wanted(KINDS, list(windows))
    return SETTLED_SQL.format(wanted=wanted), values


def bring_settlements(windows: Sequence[UsedWindow], rows: Iterable[tuple[Any, ...]]) -> None:
    """Say in each part how it was paid."""
    parts = {
        (*window.key, window.window.start, part.segment_start): part for window in windows for part in window.parts
    }
    for organization, meter, window_start, segment_start, units, covered, charged, *settled in rows:
        part = parts.get((organization, meter, window_start, segment_start))
        if part is not None:
            part.row = row = Settled(*settled)
            covers = map(Cover, covered or (), charged or ())
            part.paid = Paid(dict(zip(units or (), covers, strict=True)), row.billed, row.unpaid)
