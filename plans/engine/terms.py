"""Which terms hold for an organization at an instant, from its periods on plans and the revisions of those plans.

The rules (docs/plans.md tells them in prose):

- A *period* is a span on one plan. Periods never overlap; where there is none, the default plan holds on calendar
  months.
- A window belongs to a *stretch*: the periods of one paid life, from free to free. Its boundaries are months on the
  stretch's anchor, and it never begins before the stretch. A window's identity is its start; its end may come earlier
  than was announced, when the stretch ends.
- A *segment* is a part of a window under one set of terms: a change of terms inside the window closes it. What is
  included never falls within a window (the larger of the two, never the sum); everything else is what the segment's own
  terms say.
"""

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from typing import Literal

from plans.engine.commitments import Bounds
from plans.engine.price_ladders import Ladder
from plans.engine.windows import Window, calendar_month, window_on_anchor

Beyond = Literal["block", "credits", "bill", "credits_then_bill"]


@dataclass(frozen=True, slots=True)
class CreditRate:
    """What one unit of a meter costs in credits of `unit`."""

    unit: str
    ladder: Ladder


@dataclass(frozen=True, slots=True)
class CommitmentTerms:
    """`bought` is what the base subscription pays for; with `on_demand`, more is let through and billed monthly."""

    bought: int
    bounds: Bounds
    on_demand: bool


@dataclass(frozen=True, slots=True)
class MeterTerms:
    """What one meter may draw on. `included` None is unlimited; `cap` is in minor units of `currency` per window.

    `credit_rates` stand in the order in which wallets are tried. `bill` is in major units of `currency` per unit.
    """

    meter: str
    meter_id: int
    aggregation: str
    unit_name: str
    included: Decimal | None
    beyond: Beyond
    credit_rates: tuple[CreditRate, ...] = ()
    bill: Ladder | None = None
    currency: str | None = None
    cap: int | None = None
    concurrency: int | None = None
    commitment: CommitmentTerms | None = None

    @property
    def uses_credits(self) -> bool:
        return self.beyond in ("credits", "credits_then_bill")

    @property
    def is_billed(self) -> bool:
        return self.beyond in ("bill", "credits_then_bill")


@dataclass(frozen=True, slots=True)
class PlanTerms:
    """A plan's terms from `effective_at` on. Its commitment's meter is among `meters`, with nothing bought."""

    plan_id: int
    code: str
    name: str
    effective_at: datetime
    meters: Mapping[str, MeterTerms]
    commitment_meter: str | None = None


@dataclass(frozen=True, slots=True)
class Override:
    """Another ladder for one organization: of credits in `unit`, or with `unit` None of money."""

    meter: str
    unit: str | None
    ladder: Ladder
    starts_at: datetime
    ends_at: datetime | None


@dataclass(frozen=True, slots=True)
class Period:
    """A span on a plan. `anchor` and `stretch_start` are those of its stretch."""

    plan_id: int
    starts_at: datetime
    ends_at: datetime | None
    anchor: datetime
    stretch_start: datetime
    interval: str
    bought: int | None = None
    companion_paid: bool = True

    def holds_at(self, moment: datetime) -> bool:
        return self.starts_at <= moment and (self.ends_at is None or moment < self.ends_at)


@dataclass(frozen=True, slots=True)
class Segment:
    """A span of unchanging terms within a window; its identity is its start."""

    start: datetime
    end: datetime
    plan_id: int
    plan: str
    meters: Mapping[str, MeterTerms]


def segment_around(moment: datetime, starts: Sequence[datetime]) -> int:
    """Which of a window's segments, given by their starts, a moment lies in: the last that has begun by then. What was
    before all of them belongs to the first.
    """
    return max(bisect_right(starts, moment) - 1, 0)


@dataclass(frozen=True, slots=True)
class Terms:
    """The plan in force at an instant, the window around it, and the window's segments so far known, oldest first."""

    plan_id: int | None
    plan: str | None
    plan_name: str
    interval: str | None
    window: Window
    segments: tuple[Segment, ...]
    current: int

    @property
    def segment(self) -> Segment:
        return self.segments[self.current]

    @property
    def meters(self) -> Mapping[str, MeterTerms]:
        """By code, in the order of the plan; a meter that is not here is not part of the plan."""
        return self.segment.meters

    @property
    def is_paid(self) -> bool:
        return self.interval is not None

    def segments_of(self, meter: str) -> tuple[tuple[Segment, MeterTerms | None], ...]:
        """The window's segments as this meter sees them: neighbours with the same terms for it are merged."""
        merged: list[tuple[Segment, MeterTerms | None]] = []
        for segment in self.segments:
            terms = segment.meters.get(meter)
            if merged and merged[-1][1] == terms and merged[-1][0].end == segment.start:
                merged[-1] = (replace(merged[-1][0], end=segment.end), terms)
            else:
                merged.append((segment, terms))
        return tuple(merged)


RevisionsOf = Callable[[int], Sequence[PlanTerms]]


@dataclass(frozen=True, slots=True)
class Timeline:
    """All that decides one organization's terms around an instant: periods and revisions oldest first."""

    periods: Sequence[Period]
    overrides: Sequence[Override]
    default_plan_id: int | None
    revisions_of: RevisionsOf = field(repr=False)

    def terms_at(self, moment: datetime) -> Terms:
        period = next((period for period in self.periods if period.holds_at(moment)), None)
        window, spans = self._paid_window(period, moment) if period else self._free_window(moment)
        segments = self._segments(spans)
        current = segment_around(moment, [segment.start for segment in segments])
        segment = segments[current]
        plan = self._plan_at(segment.plan_id, moment) if segment.plan_id else None
        return Terms(
            plan_id=segment.plan_id or None,
            plan=segment.plan or None,
            plan_name=plan.name if plan else "",
            interval=period.interval if period else None,
            window=window,
            segments=segments,
            current=current,
        )

    def _paid_window(self, period: Period, moment: datetime) -> tuple[Window, list[tuple[Window, Period | None]]]:
        month = window_on_anchor(anchor=period.anchor, at=moment)
        stretch = [other for other in self.periods if other.stretch_start == period.stretch_start]
        last_end = stretch[-1].ends_at
        end = min(month.end, last_end) if last_end else month.end
        window = Window(max(month.start, period.stretch_start), end)
        spans: list[tuple[Window, Period | None]] = []
        for other in stretch:
            span = Window(max(other.starts_at, window.start), min(other.ends_at or window.end, window.end))
            if span.start < span.end:
                spans.append((span, other))
        return window, spans

    def _free_window(self, moment: datetime) -> tuple[Window, list[tuple[Window, Period | None]]]:
        month = calendar_month(at=moment)
        ended = [period.ends_at for period in self.periods if period.ends_at and period.ends_at <= moment]
        begins = [period.starts_at for period in self.periods if period.starts_at > moment]
        window = Window(max([month.start, *ended]), min([month.end, *begins]))
        return window, [(window, None)]

    def _segments(self, spans: list[tuple[Window, Period | None]]) -> tuple[Segment, ...]:
        segments: list[Segment] = []
        included: dict[str, Decimal | None] = {}
        for span, period in spans:
            plan_id = period.plan_id if period else self.default_plan_id
            cuts = sorted({span.start, *self._changes_within(span, plan_id)})
            for start, end in zip(cuts, [*cuts[1:], span.end], strict=True):
                plan = self._plan_at(plan_id, start) if plan_id else None
                meters = {
                    code: _keep_larger(included, self._for_organization(terms, plan, period, start))
                    for code, terms in (plan.meters if plan else {}).items()
                }
                segments.append(Segment(start, end, plan_id or 0, plan.code if plan else "", meters))
        return tuple(segments)

    def _changes_within(self, span: Window, plan_id: int | None) -> list[datetime]:
        moments = [plan.effective_at for plan in self.revisions_of(plan_id)[1:]] if plan_id else []
        for override in self.overrides:
            moments += [override.starts_at] + ([override.ends_at] if override.ends_at else [])
        return [moment for moment in moments if span.start < moment < span.end]

    def _plan_at(self, plan_id: int, moment: datetime) -> PlanTerms | None:
        """The plan's terms at `moment`; before its first revision, those of the first."""
        revisions = self.revisions_of(plan_id)
        said = [revision for revision in revisions if revision.effective_at <= moment] or revisions[:1]
        return said[-1] if said else None

    def _for_organization(
        self, terms: MeterTerms, plan: PlanTerms | None, period: Period | None, moment: datetime
    ) -> MeterTerms:
        for override in self.overrides:
            live = override.starts_at <= moment and (override.ends_at is None or moment < override.ends_at)
            if live and override.meter == terms.meter:
                terms = _overridden(terms, override)
        if period and period.interval == "year" and not period.companion_paid:
            terms = _without_billing(terms)
        if plan and terms.commitment and plan.commitment_meter == terms.meter:
            bought = (period.bought if period else None) or 0
            on_demand = terms.commitment.on_demand and bool(period and period.companion_paid)
            commitment = replace(terms.commitment, bought=bought, on_demand=on_demand)
            terms = replace(terms, included=Decimal(bought), commitment=commitment)
        return terms


def _keep_larger(included: dict[str, Decimal | None], terms: MeterTerms) -> MeterTerms:
    """What is included never falls within a window. A commitment is not an allowance: it is what was bought, now."""
    if terms.commitment:
        return terms
    code = terms.meter
    if code in included:
        before = included[code]
        larger = None if before is None or terms.included is None else max(before, terms.included)
        terms = replace(terms, included=larger) if larger != terms.included else terms
    included[code] = terms.included
    return terms


def _without_billing(terms: MeterTerms) -> MeterTerms:
    """The monthly companion, through which an annual plan is billed, is unpaid: nothing more is billed later."""
    less: dict[Beyond, Beyond] = {"bill": "block", "credits_then_bill": "credits"}
    return replace(terms, beyond=less[terms.beyond]) if terms.is_billed else terms


def _overridden(terms: MeterTerms, override: Override) -> MeterTerms:
    if override.unit is None:
        return replace(terms, bill=override.ladder) if terms.is_billed else terms
    rates = tuple(
        replace(rate, ladder=override.ladder) if rate.unit == override.unit else rate for rate in terms.credit_rates
    )
    return replace(terms, credit_rates=rates)
