"""What a quantity of a price costs: per unit, per package, graduated or volume tiers. Exact, then half up once."""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from .objects import StripeObject
from .values import round_half_up


def exact_cost(price: StripeObject, quantity: Decimal) -> Decimal:
    """In minor units, not rounded."""
    if price["billing_scheme"] == "tiered":
        return (
            _graduated(price["_tiers"], quantity)
            if price["tiers_mode"] == "graduated"
            else _volume(price["_tiers"], quantity)
        )
    packages = price["transform_quantity"]
    if packages:
        rounding = ROUND_CEILING if packages["round"] == "up" else ROUND_FLOOR
        quantity = (quantity / packages["divide_by"]).to_integral_value(rounding)
    return Decimal(price["unit_amount_decimal"] or 0) * quantity


def cost(price: StripeObject, quantity: Decimal) -> int:
    """In whole minor units."""
    return round_half_up(exact_cost(price, quantity))


def _graduated(tiers: list[StripeObject], quantity: Decimal) -> Decimal:
    total, done = Decimal(0), Decimal(0)
    for index, tier in enumerate(tiers):
        if quantity <= done and not (index == 0 and quantity == 0):
            break
        upto = quantity if tier["up_to"] is None else min(quantity, Decimal(tier["up_to"]))
        total += Decimal(tier["flat_amount_decimal"] or 0) + Decimal(tier["unit_amount_decimal"] or 0) * (upto - done)
        done = upto
    return total


def _volume(tiers: list[StripeObject], quantity: Decimal) -> Decimal:
    for tier in tiers:
        if tier["up_to"] is None or quantity <= tier["up_to"]:
            return Decimal(tier["flat_amount_decimal"] or 0) + Decimal(tier["unit_amount_decimal"] or 0) * quantity
    return Decimal(0)
