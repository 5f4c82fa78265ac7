"""Balance transactions: money moving in or out of the merchant's balance."""

from __future__ import annotations

from ..objects import StripeObject
from ..world import World


def make(
    world: World, *, amount: int, currency: str, kind: str, source: str, fee: int = 0, category: str | None = None
) -> StripeObject:
    """Money moving in or out of the merchant's balance; ``category`` defaults to the kind."""
    fees = [{"amount": fee, "application": None, "currency": currency, "description": "Stripe processing fees"}]
    return world.add(
        "balance_transaction",
        amount=amount,
        available_on=world.now + 2 * 86400,
        balance_type="payments",
        currency=currency,
        description=None,
        exchange_rate=None,
        fee=fee,
        fee_details=[fees[0] | {"type": "stripe_fee"}] if fee else [],
        net=amount - fee,
        reporting_category=category or kind,
        source=source,
        status="pending",
        type=kind,
    )
