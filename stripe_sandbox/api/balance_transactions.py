"""Requests about balance transactions."""

from __future__ import annotations

from ..objects import Params, StripeObject
from ..pagination import page
from ..routes import route
from ..world import World


@route("GET /v1/balance_transactions", "BalanceTransactionListParams")
def index(world: World, params: Params) -> StripeObject:
    """What moved the balance, newest first."""
    return page(
        world,
        params,
        "balance_transaction",
        "/v1/balance_transactions",
        source=params.get("source"),
        type=params.get("type"),
        currency=params.get("currency"),
    )


@route("GET /v1/balance_transactions/{id}")
def retrieve(world: World, params: Params, id: str) -> StripeObject:
    """One movement of the balance."""
    return world.at("balance_transaction", id)
