"""Stripe Tax, reduced to one rate for everybody (``tax_percent``; 0 by default)."""

from __future__ import annotations

from decimal import Decimal

from ..objects import StripeObject
from ..values import nulls, round_half_up
from ..world import World


def percent(world: World, *, enabled: bool) -> Decimal:
    """Percent to add; zero where automatic tax is off."""
    return Decimal(str(world.setting("tax_percent"))) if enabled else Decimal(0)


def tax_on(amount: int, percent: Decimal) -> int:
    """Tax on an amount, half up."""
    return round_half_up(Decimal(amount) * percent / 100)


def make(world: World, percent: Decimal) -> StripeObject:
    """The tax rate behind a percentage, made when first used."""
    found = world.first("tax_rate", percentage=float(percent))
    return found or world.add(
        "tax_rate",
        **nulls("country description flat_amount jurisdiction state tax_type"),
        active=True,
        display_name="Tax",
        effective_percentage=float(percent),
        inclusive=False,
        jurisdiction_level="multiple",
        metadata={},
        percentage=float(percent),
        rate_type="percentage",
    )


def line_tax(world: World, amount: int, taxable: int, percent: Decimal) -> list[StripeObject]:
    """The ``taxes`` of an invoice line."""
    if not percent:
        return []
    return [
        {
            "amount": amount,
            "tax_behavior": "exclusive",
            "tax_rate_details": {"tax_rate": make(world, percent)["id"]},
            "taxability_reason": "standard_rated",
            "taxable_amount": taxable,
            "type": "tax_rate_details",
        }
    ]


def automatic_tax(enabled: bool) -> StripeObject:
    """The ``automatic_tax`` of an invoice or subscription."""
    return {
        "disabled_reason": None,
        "enabled": enabled,
        "liability": {"type": "self"} if enabled else None,
        "provider": "stripe" if enabled else None,
        "status": "complete" if enabled else None,
    }
