"""May this organization use n of this meter now? Values in, the answer with its reason out."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from core.money import minor_digits
from core.quantities import ZERO
from plans.engine import price_ladders
from plans.engine.terms import MeterTerms
from usage.engine.settlement import Before, Cover, Paid, settle


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a meter stands in its window.

    `used` is what people are told (of readings the newest), `charged` the total that settlement goes by (the highest).
    `overage` is what the present segment is to pay for, `paid` how it was paid so far. The `held_…` quantities are
    those of open holds.
    """

    used: Decimal
    charged: Decimal
    overage: Decimal = ZERO
    paid: Paid = field(default_factory=lambda: Paid({}))
    before: Before = field(default_factory=lambda: Before({}))
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


def decide(
    *,
    quantity: Decimal,
    terms: MeterTerms | None,
    standing: Standing,
    funds: Mapping[str, Funds],
    suspended: bool = False,
) -> Decision:
    """The answer for `quantity` more. Holds that are open count as used; what is not settled yet is paid for first."""
    if suspended:
        return Decision(False, "suspended", missing=quantity)
    if terms is None:
        return Decision(False, "no_plan_for_meter", missing=quantity)
    decision = _committed(quantity, terms, standing) if terms.commitment else _covered(quantity, terms, standing, funds)
    if decision.allowed and terms.concurrency is not None and standing.open_holds >= terms.concurrency:
        return Decision(False, "concurrency_reached", missing=quantity)
    return decision


def _committed(quantity: Decimal, terms: MeterTerms, standing: Standing) -> Decision:
    assert terms.commitment is not None
    room = Decimal(terms.commitment.bought) - standing.used - standing.held_included
    if quantity <= room:
        return Decision(True, "allowance", from_allowance=quantity)
    if terms.commitment.on_demand:
        return Decision(True, "on_demand", from_allowance=quantity)
    return Decision(False, "commitment_reached", missing=quantity - max(room, ZERO))


def _covered(quantity: Decimal, terms: MeterTerms, standing: Standing, funds: Mapping[str, Funds]) -> Decision:
    if terms.included is None:
        return Decision(True, "allowance", from_allowance=quantity)
    included = min(quantity, max(terms.included - standing.used - standing.held_included, ZERO))
    # A reading below the window's highest goes up to it again without costing anything more.
    rise = standing.used + quantity - standing.charged if terms.aggregation == "latest" else quantity - included
    beyond = max(min(rise, quantity - included), ZERO)
    if not beyond and included == quantity:
        return Decision(True, "allowance", from_allowance=quantity)
    left = {unit: fund.available for unit, fund in funds.items() if not fund.debt}
    now = settle(overage=standing.overage, paid=standing.paid, terms=terms, available=left, before=standing.before)
    for unit, amount in now.movements(standing.paid).items():
        left[unit] = left.get(unit, ZERO) - max(amount, ZERO)
    draws, open_quantity = _draws(beyond, terms, standing, now.credits, left)
    to_bill = ZERO
    if terms.is_billed and open_quantity:
        to_bill = min(open_quantity, _room_to_bill(open_quantity, terms, standing, now.billed))
        open_quantity -= to_bill
    if open_quantity or now.unpaid or standing.earlier_unpaid:
        missing = open_quantity + now.unpaid + standing.earlier_unpaid
        return Decision(False, _why_not(terms, funds), included, tuple(draws), to_bill, missing)
    return Decision(True, "billed" if to_bill else "credits", included, tuple(draws), to_bill)


def _draws(
    wanted: Decimal, terms: MeterTerms, standing: Standing, covers: Mapping[str, Cover], left: dict[str, Decimal]
) -> tuple[list[Draw], Decimal]:
    draws: list[Draw] = []
    for rate in terms.credit_rates if terms.uses_credits else ():
        cover = covers.get(rate.unit)
        # What open holds have set aside stands on the ladder before this.
        start = standing.before.credits.get(rate.unit, ZERO) + (cover.quantity if cover else ZERO)
        start += standing.held_credits
        more = price_ladders.affordable(
            rate.ladder, amount=max(left.get(rate.unit, ZERO), ZERO), start=start, wanted=wanted
        )
        if more:
            cost = price_ladders.cost_of_span(rate.ladder, start=start, end=start + more)
            draws.append(Draw(rate.unit, more, cost))
            wanted -= more
    return draws, wanted


def _room_to_bill(wanted: Decimal, terms: MeterTerms, standing: Standing, billed: Decimal) -> Decimal:
    assert terms.bill is not None and terms.currency is not None
    if terms.cap is None:
        return wanted
    return price_ladders.affordable_within_cap(
        terms.bill,
        cap=terms.cap,
        minor_digits=minor_digits(terms.currency),
        start=standing.before.billed + billed + standing.held_to_bill,
        wanted=wanted,
    )


def _why_not(terms: MeterTerms, funds: Mapping[str, Funds]) -> str:
    if terms.uses_credits and any(rate.unit in funds and funds[rate.unit].debt for rate in terms.credit_rates):
        return "debt"
    return "budget_reached" if terms.is_billed else "limit_reached"
