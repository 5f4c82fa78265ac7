"""Requests about the balance."""

from __future__ import annotations

from typing import Any

from ..objects import Params, StripeObject
from ..routes import route
from ..world import World


@route("GET /v1/balance")
def balance(world: World, params: Params) -> StripeObject:
    """What all balance transactions add up to."""
    sums: dict[str, int] = {}
    for transaction in world.find("balance_transaction"):
        sums[transaction["currency"]] = sums.get(transaction["currency"], 0) + transaction["net"]
    available: list[dict[str, Any]] = [
        {"amount": amount, "currency": currency, "source_types": {"card": amount}} for currency, amount in sums.items()
    ]
    return {
        "object": "balance",
        "available": available or [{"amount": 0, "currency": "usd", "source_types": {"card": 0}}],
        "livemode": False,
        "pending": [{"amount": 0, "currency": "usd", "source_types": {"card": 0}}],
    }
