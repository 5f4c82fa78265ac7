"""A meter's windows as settlement sees them: each segment with its terms, what it used and how that was paid."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from django.db.models import F, Min, Sum

from plans.engine.terms import MeterTerms, Terms
from plans.engine.windows import Window
from plans.terms import RememberedTimeline
from usage.engine.settlement import NOTHING_PAID, Cover, Paid, SegmentUse, overages
from usage.models import Settlement, SettlementDraw
from usage.services.states import Key
from usage.services.totals import Total, Totals, carried_into

ZERO = Decimal(0)
NO_EVENTS = Total(0, ZERO, ZERO)


@dataclass(slots=True)
class Part:
    """One segment of a window. `total` is what the window had counted at its end, `used` the charged part of it."""

    segment_start: datetime
    terms: MeterTerms | None
    events: int
    total: Decimal
    used: Decimal
    overage: Decimal = ZERO
    row: Settlement | None = None
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
    _bring_settlements(found)
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


def _bring_settlements(windows: Iterable[UsedWindow]) -> None:
    by_key: dict[Key, list[UsedWindow]] = defaultdict(list)
    for window in windows:
        by_key[window.key].append(window)
    if not by_key:
        return
    rows = Settlement.objects.filter(
        organization_id__in={organization for organization, _ in by_key},
        meter_id__in={meter for _, meter in by_key},
        window_start__gte=min(window.window.start for window in windows),
    )
    found = {(row.organization_id, row.meter_id, row.window_start, row.segment_start): row for row in rows}
    covers = covers_of(found.values())
    for window in windows:
        for part in window.parts:
            part.row = found.get((*window.key, window.window.start, part.segment_start))
            if part.row:
                part.paid = Paid(covers.get(part.row.pk, {}), part.row.billed, part.row.unpaid)


def covers_of(rows: Iterable[Settlement]) -> dict[int, dict[str, Cover]]:
    """By settlement and unit, in the order in which units were first drawn on."""
    drawn = [row.pk for row in rows if row.from_credits]
    if not drawn:
        return {}
    totals = (
        SettlementDraw.objects.filter(settlement__in=drawn)
        .values("settlement_id", "unit_id")
        .annotate(
            covered=Sum(F("quantity") - F("restored_quantity")), cost=Sum(F("charged") - F("restored")), first=Min("pk")
        )
        .order_by("settlement_id", "first")
    )
    found: dict[int, dict[str, Cover]] = defaultdict(dict)
    for total in totals:
        found[total["settlement_id"]][total["unit_id"]] = Cover(total["covered"], total["cost"])
    return found
