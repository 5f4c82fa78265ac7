"""What a window's usage beyond its allowance is, and how it is paid: quantities and ladders in, the coverage out.

Settlement is cumulative: it compares what should be paid with what was, and the answer is the difference. So it may run
any number of times, after any event, and never depends on how usage arrived.

`usage/services/segment_payments.py` asks here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from core.money import minor_digits
from core.quantities import STEP, ZERO
from plans.engine import price_ladders
from plans.engine.terms import MeterTerms


@dataclass(frozen=True, slots=True)
class SegmentUse:
    """A segment's part of a window: `used` is the window's running total at the segment's end, `included` what the
    window's allowance was during it (None is unlimited).
    """

    used: Decimal
    included: Decimal | None


def overages(segments: Sequence[SegmentUse]) -> list[Decimal]:
    """Per segment, what goes beyond the allowance and was not beyond it already in an earlier segment.

    The allowance in force is the larger of those so far, never their sum.
    """
    found: list[Decimal] = []
    allowance: Decimal | None = ZERO
    beyond = ZERO
    for segment in segments:
        allowance = None if allowance is None or segment.included is None else max(allowance, segment.included)
        total = ZERO if allowance is None else max(segment.used - allowance, ZERO)
        found.append(max(total - beyond, ZERO))
        beyond = max(beyond, total)
    return found


@dataclass(frozen=True, slots=True)
class CreditCover:
    """How much of a segment's overage the credits of one unit pay for, and how many were charged for it."""

    quantity: Decimal = ZERO
    charged: Decimal = ZERO


@dataclass(frozen=True, slots=True)
class Coverage:
    """How a segment's overage is paid: by the credits of each unit, by a bill, and what nothing pays for yet.

    Units stand in the order in which they were first drawn on. All quantities are of the meter.
    """

    credits: Mapping[str, CreditCover]
    billed: Decimal = ZERO
    unpaid: Decimal = ZERO

    @property
    def from_credits(self) -> Decimal:
        return sum((cover.quantity for cover in self.credits.values()), ZERO)

    @property
    def total(self) -> Decimal:
        return self.from_credits + self.billed + self.unpaid

    def credits_moved_since(self, earlier: "Coverage") -> dict[str, Decimal]:
        """Per unit: credits to draw (positive) or to give back (negative), without zeroes."""
        units = [*earlier.credits, *self.credits]
        moved = {unit: self.charged_in(unit) - earlier.charged_in(unit) for unit in units}
        return {unit: amount for unit, amount in moved.items() if amount}

    def cover_of(self, unit: str) -> CreditCover:
        return self.credits.get(unit, NO_CREDITS)

    def charged_in(self, unit: str) -> Decimal:
        return self.cover_of(unit).charged


NO_CREDITS = CreditCover()
NOTHING_COVERED = Coverage(credits={})


@dataclass(frozen=True, slots=True)
class LadderStart:
    """Where a segment's prices begin: what the earlier segments of the window have taken of each ladder."""

    credits: Mapping[str, Decimal]
    billed: Decimal = ZERO

    def of(self, unit: str) -> Decimal:
        return self.credits.get(unit, ZERO)


LADDER_BOTTOM = LadderStart(credits={})


def cover_overage(
    overage: Decimal,
    *,
    earlier: Coverage,
    terms: MeterTerms,
    available: Mapping[str, Decimal],
    ladder_start: LadderStart = LADDER_BOTTOM,
) -> Coverage:
    """Pay for an overage, given how it was covered so far and the credits available per unit.

    Less than before is reversed: unpaid first, then billed, then credits, the unit drawn last first. More is paid as
    the terms say; what stayed unpaid is tried again. Partial cover is the largest quantity affordable in steps of a
    millionth, and costs round up. The credits to draw, or to give back, are `credits_moved_since(earlier)`.
    """
    kept, billed = _reversed(overage, earlier)
    credits = {unit: _priced(unit, quantity, earlier, terms, ladder_start) for unit, quantity in kept.items()}
    open_quantity = overage - billed - sum((cover.quantity for cover in credits.values()), ZERO)
    if terms.uses_credits:
        for rate in terms.credit_rates:
            had = credits.get(rate.unit, NO_CREDITS)
            start = ladder_start.of(rate.unit) + had.quantity
            # Credits that a reversal frees are in the wallet only after this posting; they do not pay for themselves.
            budget = available.get(rate.unit, ZERO)
            more = price_ladders.affordable(rate.ladder, amount=budget, start=start, wanted=open_quantity)
            if more:
                cost = price_ladders.cost_of_span(rate.ladder, start=start, end=start + more)
                credits[rate.unit] = CreditCover(had.quantity + more, had.charged + cost)
                open_quantity -= more
    if terms.is_billed and terms.bill is not None and open_quantity:
        more = _billable(open_quantity, ladder_start.billed + billed, terms)
        billed += more
        open_quantity -= more
    return Coverage(credits=credits, billed=billed, unpaid=open_quantity)


def _reversed(overage: Decimal, earlier: Coverage) -> tuple[dict[str, Decimal], Decimal]:
    """What is kept of the earlier payment when the overage has shrunk: quantities per unit, and billed."""
    surplus = max(earlier.total - overage, ZERO)
    surplus = max(surplus - earlier.unpaid, ZERO)
    billed = max(earlier.billed - surplus, ZERO)
    surplus = max(surplus - earlier.billed, ZERO)
    kept: dict[str, Decimal] = {}
    for unit, cover in reversed(list(earlier.credits.items())):
        kept[unit] = max(cover.quantity - surplus, ZERO)
        surplus = max(surplus - cover.quantity, ZERO)
    return dict(reversed(list(kept.items()))), billed


def _priced(
    unit: str, quantity: Decimal, earlier: Coverage, terms: MeterTerms, ladder_start: LadderStart
) -> CreditCover:
    """The charge for what a unit keeps covering: as it was when nothing shrank, else the span's price."""
    cover = earlier.credits[unit]
    if quantity == cover.quantity:
        return cover
    if not quantity:
        return NO_CREDITS
    ladder = next((rate.ladder for rate in terms.credit_rates if rate.unit == unit), None)
    if ladder is None:
        # The unit pays for nothing new any more; what it paid is given back pro rata.
        share = cover.charged * quantity / cover.quantity
        return CreditCover(quantity, share.quantize(STEP))
    start = ladder_start.of(unit)
    return CreditCover(
        quantity, min(price_ladders.cost_of_span(ladder, start=start, end=start + quantity), cover.charged)
    )


def _billable(wanted: Decimal, start: Decimal, terms: MeterTerms) -> Decimal:
    """How much may still be billed under the window's cap."""
    assert terms.bill is not None and terms.currency is not None
    if terms.cap is None:
        return wanted
    return price_ladders.affordable_within_cap(
        terms.bill, cap=terms.cap, minor_digits=minor_digits(terms.currency), start=start, wanted=wanted
    )


def payable_in_slice(overage: Decimal, *, earlier: Coverage) -> tuple[Decimal, Coverage]:
    """What there is to pay of the usage before an instant, when later usage may have been settled already: the overage
    to go by, and the coverage that pays for it so far.

    Nothing is taken back: what was paid stays paid, and only what is still open of the earlier usage is tried.
    """
    paid = earlier.total - earlier.unpaid
    due = max(overage, paid)
    return due, Coverage(earlier.credits, earlier.billed, max(due - paid, ZERO) if earlier.unpaid else ZERO)
