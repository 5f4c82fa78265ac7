"""What a window's usage beyond its allowance is, and how it is paid: quantities and ladders in, movements out.

Settlement is cumulative: it compares what should be paid with what was, and the answer is the difference. So it may run
any number of times, after any event, and never depends on how usage arrived.
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

    The allowance in force is the larger of those so far, never their sum (DESIGN section 7).
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
class Cover:
    """How much of a segment's overage one credit unit pays for, and the credits charged for it so far."""

    quantity: Decimal = ZERO
    charged: Decimal = ZERO


@dataclass(frozen=True, slots=True)
class Paid:
    """How a segment's overage was paid when it was last settled."""

    credits: Mapping[str, Cover]
    billed: Decimal = ZERO
    unpaid: Decimal = ZERO

    @property
    def total(self) -> Decimal:
        return sum((cover.quantity for cover in self.credits.values()), self.billed + self.unpaid)


NOTHING_PAID = Paid(credits={})


@dataclass(frozen=True, slots=True)
class Before:
    """What earlier segments of the window have taken of each ladder: where this segment's prices begin."""

    credits: Mapping[str, Decimal]
    billed: Decimal = ZERO


NOTHING_BEFORE = Before(credits={})


@dataclass(frozen=True, slots=True)
class Settled:
    """How the overage is to be paid now. The credits to draw, or to give back, are the differences of `charged`."""

    credits: dict[str, Cover]
    billed: Decimal
    unpaid: Decimal

    def movements(self, paid: Paid) -> dict[str, Decimal]:
        """Per unit: credits to draw (positive) or to restore (negative), without zeroes."""
        units = [*paid.credits, *(unit for unit in self.credits if unit not in paid.credits)]
        moved = {
            unit: self.credits.get(unit, Cover()).charged - paid.credits.get(unit, Cover()).charged for unit in units
        }
        return {unit: amount for unit, amount in moved.items() if amount}


def settle(
    *,
    overage: Decimal,
    paid: Paid,
    terms: MeterTerms,
    available: Mapping[str, Decimal],
    before: Before = NOTHING_BEFORE,
) -> Settled:
    """Pay for an overage, given how it was paid so far and the credits available per unit.

    Less than before is reversed: unpaid first, then billed, then credits, the unit drawn last first. More is paid as
    the terms say; what stayed unpaid is tried again. Partial cover is the largest quantity affordable in steps of a
    millionth, and costs round up.
    """
    kept, billed = _reversed(overage, paid)
    credits = {unit: _priced(unit, quantity, paid, terms, before) for unit, quantity in kept.items()}
    open_quantity = overage - billed - sum((cover.quantity for cover in credits.values()), ZERO)
    if terms.uses_credits:
        for rate in terms.credit_rates:
            had = credits.get(rate.unit, Cover())
            start = before.credits.get(rate.unit, ZERO) + had.quantity
            # Credits that a reversal frees are in the wallet only after this posting; they do not pay for themselves.
            budget = available.get(rate.unit, ZERO)
            more = price_ladders.affordable(rate.ladder, amount=budget, start=start, wanted=open_quantity)
            if more:
                cost = price_ladders.cost_of_span(rate.ladder, start=start, end=start + more)
                credits[rate.unit] = Cover(had.quantity + more, had.charged + cost)
                open_quantity -= more
    if terms.is_billed and terms.bill is not None and open_quantity:
        more = _billable(open_quantity, before.billed + billed, terms)
        billed += more
        open_quantity -= more
    return Settled(credits=credits, billed=billed, unpaid=open_quantity)


def _reversed(overage: Decimal, paid: Paid) -> tuple[dict[str, Decimal], Decimal]:
    """What is kept of the earlier payment when the overage has shrunk: quantities per unit, and billed."""
    surplus = max(paid.total - overage, ZERO)
    surplus = max(surplus - paid.unpaid, ZERO)
    billed = max(paid.billed - surplus, ZERO)
    surplus = max(surplus - paid.billed, ZERO)
    kept: dict[str, Decimal] = {}
    for unit, cover in reversed(list(paid.credits.items())):
        kept[unit] = max(cover.quantity - surplus, ZERO)
        surplus = max(surplus - cover.quantity, ZERO)
    return dict(reversed(list(kept.items()))), billed


def _priced(unit: str, quantity: Decimal, paid: Paid, terms: MeterTerms, before: Before) -> Cover:
    """The charge for what a unit keeps covering: as it was when nothing shrank, else the span's price."""
    cover = paid.credits[unit]
    if quantity == cover.quantity:
        return cover
    if not quantity:
        return Cover()
    ladder = next((rate.ladder for rate in terms.credit_rates if rate.unit == unit), None)
    if ladder is None:
        # The unit pays for nothing new any more; what it paid is given back pro rata.
        share = cover.charged * quantity / cover.quantity
        return Cover(quantity, share.quantize(STEP))
    start = before.credits.get(unit, ZERO)
    return Cover(quantity, min(price_ladders.cost_of_span(ladder, start=start, end=start + quantity), cover.charged))


def _billable(wanted: Decimal, start: Decimal, terms: MeterTerms) -> Decimal:
    """How much may still be billed under the window's cap."""
    assert terms.bill is not None and terms.currency is not None
    if terms.cap is None:
        return wanted
    return price_ladders.affordable_within_cap(
        terms.bill, cap=terms.cap, minor_digits=minor_digits(terms.currency), start=start, wanted=wanted
    )


def payable_until(*, overage: Decimal, paid: Paid) -> tuple[Decimal, Paid]:
    """What there is to pay of the usage before an instant, when later usage may have been settled already.

    Nothing is taken back: what was paid stays paid, and only what is still open of the earlier usage is tried.
    """
    settled = paid.total - paid.unpaid
    due = max(overage, settled)
    return due, Paid(paid.credits, paid.billed, max(due - settled, ZERO) if paid.unpaid else ZERO)
