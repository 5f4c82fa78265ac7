"""May this organization use n of this meter now? Values in, the answer with its reason out."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from core.money import minor_digits
from core.quantities import ZERO
from plans.engine import price_ladders
from plans.engine.terms import MeterTerms
from usage.engine.coverage import LADDER_BOTTOM, NOTHING_COVERED, Coverage, LadderStart, cover_overage


@dataclass(frozen=True, slots=True)
class MeterUse:
    """What a meter has used in its window, and how that was paid.

    `used` is what people are told (of readings the newest), `charged` the total that settlement goes by (the highest).
    `overage` is what the present segment is to pay for, `coverage` how it was paid when it was last settled. The
    `held_…` quantities are those of open holds.
    """

    used: Decimal
    charged: Decimal
    overage: Decimal = ZERO
    coverage: Coverage = NOTHING_COVERED
    ladder_start: LadderStart = LADDER_BOTTOM
    earlier_unpaid: Decimal = ZERO
    held_included: Decimal = ZERO
    held_credits: Decimal = ZERO
    held_to_bill: Decimal = ZERO
    open_holds: int = 0


@dataclass(frozen=True, slots=True)
class Funds:
    """What one wallet can pay with now. Under debt that is nothing."""

    available: Decimal
    debt: Decimal = ZERO


@dataclass(frozen=True, slots=True)
class Draw:
    """So much of the meter paid with so many credits of a unit."""

    unit: str
    quantity: Decimal
    credits: Decimal


@dataclass(frozen=True, slots=True)
class Decision:
    """`code` is one of the API's. The parts say how the quantity would be covered; `missing` how much would not be."""

    allowed: bool
    code: str
    from_allowance: Decimal = ZERO
    draws: tuple[Draw, ...] = ()
    to_bill: Decimal = ZERO
    missing: Decimal = ZERO

    @property
    def blocked(self) -> str:
        """Why the meter is blocked, when this is the decision about one more; empty when it is not.

        That all open holds are taken blocks nothing, since they come and go by the second.
        """
        return "" if self.allowed or self.code in ("concurrency_reached", "no_plan_for_meter") else self.code


def decide(
    *,
    quantity: Decimal,
    terms: MeterTerms | None,
    use: MeterUse,
    funds: Mapping[str, Funds],
    suspended: bool = False,
) -> Decision:
    """The answer for `quantity` more. Holds that are open count as used; what is not settled yet is paid for first."""
    if suspended:
        return Decision(False, "suspended", missing=quantity)
    if terms is None:
        return Decision(False, "no_plan_for_meter", missing=quantity)
    decision = _committed(quantity, terms, use) if terms.commitment else _covered(quantity, terms, use, funds)
    if decision.allowed and terms.concurrency is not None and use.open_holds >= terms.concurrency:
        return Decision(False, "concurrency_reached", missing=quantity)
    return decision


def _committed(quantity: Decimal, terms: MeterTerms, use: MeterUse) -> Decision:
    assert terms.commitment is not None
    room = Decimal(terms.commitment.bought) - use.used - use.held_included
    if quantity <= room:
        return Decision(True, "allowance", from_allowance=quantity)
    if terms.commitment.on_demand:
        return Decision(True, "on_demand", from_allowance=quantity)
    return Decision(False, "commitment_reached", missing=quantity - max(room, ZERO))


def _covered(quantity: Decimal, terms: MeterTerms, use: MeterUse, funds: Mapping[str, Funds]) -> Decision:
    if terms.included is None:
        return Decision(True, "allowance", from_allowance=quantity)
    included = min(quantity, max(terms.included - use.used - use.held_included, ZERO))
    # A reading below the window's highest goes up to it again without costing anything more.
    rise = use.used + quantity - use.charged if terms.aggregation == "latest" else quantity - included
    beyond = max(min(rise, quantity - included), ZERO)
    if not beyond and included == quantity:
        return Decision(True, "allowance", from_allowance=quantity)
    left = {unit: fund.available for unit, fund in funds.items() if not fund.debt}
    now = cover_overage(use.overage, earlier=use.coverage, terms=terms, available=left, ladder_start=use.ladder_start)
    for unit, amount in now.credits_moved_since(use.coverage).items():
        left[unit] = left.get(unit, ZERO) - max(amount, ZERO)
    draws, open_quantity = _draws(beyond, terms, use, now, left)
    to_bill = ZERO
    if terms.is_billed and open_quantity:
        to_bill = min(open_quantity, _room_to_bill(open_quantity, terms, use, now.billed))
        open_quantity -= to_bill
    if open_quantity or now.unpaid or use.earlier_unpaid:
        missing = open_quantity + now.unpaid + use.earlier_unpaid
        return Decision(False, _why_not(terms, funds), included, tuple(draws), to_bill, missing)
    return Decision(True, "billed" if to_bill else "credits", included, tuple(draws), to_bill)


def _draws(
    wanted: Decimal, terms: MeterTerms, use: MeterUse, coverage: Coverage, left: dict[str, Decimal]
) -> tuple[list[Draw], Decimal]:
    draws: list[Draw] = []
    for rate in terms.credit_rates if terms.uses_credits else ():
        # What open holds have set aside comes before this on the ladder.
        start = use.ladder_start.of(rate.unit) + coverage.cover_of(rate.unit).quantity + use.held_credits
        more = price_ladders.affordable(
            rate.ladder, amount=max(left.get(rate.unit, ZERO), ZERO), start=start, wanted=wanted
        )
        if more:
            cost = price_ladders.cost_of_span(rate.ladder, start=start, end=start + more)
            draws.append(Draw(rate.unit, more, cost))
            wanted -= more
    return draws, wanted


def _room_to_bill(wanted: Decimal, terms: MeterTerms, use: MeterUse, billed: Decimal) -> Decimal:
    assert terms.bill is not None and terms.currency is not None
    if terms.cap is None:
        return wanted
    return price_ladders.affordable_within_cap(
        terms.bill,
        cap=terms.cap,
        minor_digits=minor_digits(terms.currency),
        start=use.ladder_start.billed + billed + use.held_to_bill,
        wanted=wanted,
    )


def _why_not(terms: MeterTerms, funds: Mapping[str, Funds]) -> str:
    if terms.uses_credits and any(rate.unit in funds and funds[rate.unit].debt for rate in terms.credit_rates):
        return "debt"
    return "budget_reached" if terms.is_billed else "limit_reached"
