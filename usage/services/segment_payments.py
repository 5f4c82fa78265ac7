"""How each segment of a window is paid: planned within what its wallets can give, then drawn from them.

The second and third step of `settlement.py`. How much is paid by what, `usage/engine/coverage.py` works out.
"""

import functools
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal

from core.quantities import ZERO
from credits.models import Wallet
from credits.services.spending import Debit, spend_batch
from plans.engine import price_ladders
from plans.engine.terms import MeterTerms
from usage.engine.coverage import Coverage, CreditCover, LadderStart, cover_overage, payable_in_slice
from usage.services.capture_payment import CapturePayment
from usage.services.meter_states import MeterKey
from usage.services.settlement_windows import UsedSegment, UsedWindow

NOT_CHARGED = MeterTerms(meter="", meter_id=0, aggregation="sum", unit_name="", included=None, beyond="block")

WalletKey = tuple[int, str]
"""Organization and unit."""

SegmentKey = tuple[int, int, datetime, datetime]
"""Organization, meter, start of the window, start of the segment."""


@dataclass(slots=True, eq=False)
class SegmentPayment:
    """How a segment is to be covered now. `movements` are credits to draw (positive) or to give back, per unit.

    `references` name draws that were posted otherwise than by `reference` (a hold's capture). `short_units` are those
    whose wallets gave less than planned; `unusable` is what they gave that buys nothing, and goes back. A slice only
    pays: what the whole window has counted is left to the settlement of the present.
    """

    window: UsedWindow
    segment: UsedSegment
    coverage: Coverage
    movements: dict[str, Decimal]
    ladder_start: LadderStart
    at: datetime
    is_slice: bool = False
    references: dict[str, str] = field(default_factory=dict)
    unusable: dict[str, Decimal] = field(default_factory=dict)
    short_units: set[str] = field(default_factory=set)

    @property
    def key(self) -> MeterKey:
        return self.window.key

    @property
    def segment_key(self) -> SegmentKey:
        return (*self.key, self.window.start, self.segment.start)

    @property
    def revision(self) -> int:
        return (self.segment.last.revision if self.segment.last else 0) + 1

    @property
    def included(self) -> Decimal | None:
        return self.segment.terms.included if self.segment.terms else None

    @property
    def new_events(self) -> int:
        return 0 if self.is_slice else self.segment.events - (self.segment.last.events if self.segment.last else 0)

    @property
    def drawn(self) -> Decimal:
        return sum(self.movements.values(), ZERO)

    @property
    def changes_bill(self) -> bool:
        return self.coverage.billed != self.segment.coverage.billed

    @property
    def changes_anything(self) -> bool:
        last, segment = self.segment.last, self.segment
        if last is None:
            return bool(segment.events or self.coverage.total) and not (self.is_slice and not self.coverage.total)
        is_counted_otherwise = last[:3] != (segment.used, self.included, segment.events)
        return self.coverage != segment.coverage or (is_counted_otherwise and not self.is_slice)

    def reference(self, unit: str) -> str:
        organization, meter = self.key
        stem = f"settle:{organization}:{meter}:{_stamp(self.window.start)}:{_stamp(self.segment.start)}"
        return f"{stem}:{unit}:{self.revision}"


class WalletBudgets:
    """What wallets can give, counted down as payments are planned.

    At most: posted figures, read in one query without a lock, of which some may have lapsed, be frozen or be gone. For
    a capture it is exact.
    """

    def __init__(
        self,
        windows: Sequence[UsedWindow],
        exhausted: Collection[WalletKey],
        capture: CapturePayment | None,
        at: datetime,
    ) -> None:
        wanted = {window.key[0] for window in windows if any(segment.overage for segment in window.segments)}
        self._left: dict[int, dict[str, Decimal]] = defaultdict(dict)
        if capture:
            if wanted:
                self._left[capture.hold.organization_id] = capture.available(at=at)
            return
        wallets = Wallet.objects.filter(organization_id__in=wanted, debt=0).values_list(
            "organization_id", "unit_id", "balance", "held"
        )
        for organization_id, unit, balance, held in wallets:
            if (organization_id, unit) not in exhausted:
                self._left[organization_id][unit] = max(balance - held, ZERO)

    def left_of(self, organization_id: int) -> Mapping[str, Decimal]:
        return self._left[organization_id]

    def take(self, organization_id: int, movements: Mapping[str, Decimal]) -> None:
        left = self._left[organization_id]
        for unit, amount in movements.items():
            if amount > 0:
                left[unit] = left.get(unit, ZERO) - amount


def plan_payments(
    window: UsedWindow, budgets: WalletBudgets, *, at: datetime, is_slice: bool, capture: CapturePayment | None
) -> Iterable[SegmentPayment]:
    """The payments that change anything, segment by segment: each begins on the ladders where the one before ended."""
    taken: dict[str, Decimal] = {}
    billed = ZERO
    for segment in window.segments:
        ladder_start = LadderStart(dict(taken), billed)
        payment = _plan(window, segment, ladder_start, budgets, at=at, is_slice=is_slice, capture=capture)
        for unit, cover in payment.coverage.credits.items():
            taken[unit] = taken.get(unit, ZERO) + cover.quantity
        billed += payment.coverage.billed
        if payment.changes_anything:
            yield payment


def draw_credits(
    payments: Sequence[SegmentPayment], *, now: datetime, capture: CapturePayment | None
) -> list[SegmentPayment]:
    """Draw the credits that payments plan with; what a wallet could not give after all is left unpaid. Returns the
    payments where that was so.
    """
    debits: list[tuple[SegmentPayment, str, Debit]] = []
    for payment in payments:
        for unit, amount in payment.movements.items():
            if amount <= 0:
                continue
            if capture and capture.pays(payment.window, payment.segment, unit):
                payment.references[unit] = capture.draw(unit=unit, amount=amount, now=now)
                continue
            reference = payment.reference(unit)
            debit = Debit(organization_id=payment.key[0], unit=unit, amount=amount, reference=reference, at=payment.at)
            debits.append((payment, unit, debit))
    if capture:
        capture.release_unused(now=now)
    if not debits:
        return []
    spent = spend_batch(debits=[debit for _, _, debit in debits], now=now, reason="Usage beyond what is included")
    short = []
    for (payment, unit, debit), result in zip(debits, spent, strict=True):
        if result.taken < debit.amount:
            _fall_short(payment, unit, result.taken)
            short.append(payment)
    return short


def _plan(
    window: UsedWindow,
    segment: UsedSegment,
    ladder_start: LadderStart,
    budgets: WalletBudgets,
    *,
    at: datetime,
    is_slice: bool,
    capture: CapturePayment | None,
) -> SegmentPayment:
    overage, earlier = segment.overage, segment.coverage
    if is_slice:
        overage, earlier = payable_in_slice(overage, earlier=earlier)
    terms = segment.charged_terms or NOT_CHARGED
    available = budgets.left_of(window.key[0])
    coverage = cover_overage(overage, earlier=earlier, terms=terms, available=available, ladder_start=ladder_start)
    if capture and capture.is_for(window, segment):
        coverage = capture.owe_unpaid(coverage, terms=terms, ladder_start=ladder_start)
    if is_slice:
        # What was used later than the slice stays as it is: unpaid so far.
        later = max(segment.coverage.total - overage, ZERO)
        coverage = replace(coverage, unpaid=coverage.unpaid + later)
    movements = coverage.credits_moved_since(segment.coverage)
    budgets.take(window.key[0], movements)
    return SegmentPayment(window, segment, coverage, movements, ladder_start, at, is_slice=is_slice)


def _fall_short(payment: SegmentPayment, unit: str, taken: Decimal) -> None:
    """Others were faster, or grants are frozen: cover what was really taken, and give back what buys nothing."""
    earlier, planned = payment.segment.coverage.cover_of(unit), payment.coverage.credits[unit]
    terms = payment.segment.terms
    assert terms is not None  # it was charged
    ladder = next(rate.ladder for rate in terms.credit_rates if rate.unit == unit)
    start = payment.ladder_start.of(unit) + earlier.quantity
    quantity = price_ladders.affordable(ladder, amount=taken, start=start, wanted=planned.quantity - earlier.quantity)
    cost = price_ladders.cost_of_span(ladder, start=start, end=start + quantity)
    missing = planned.quantity - earlier.quantity - quantity
    payment.coverage = Coverage(
        {**payment.coverage.credits, unit: CreditCover(earlier.quantity + quantity, earlier.charged + cost)},
        payment.coverage.billed,
        payment.coverage.unpaid + missing,
    )
    payment.movements[unit] = cost
    payment.unusable[unit] = taken - cost
    payment.short_units.add(unit)


@functools.lru_cache(maxsize=1_000)
def _stamp(moment: datetime) -> str:
    return moment.strftime("%Y%m%dT%H%M%S.%f")
