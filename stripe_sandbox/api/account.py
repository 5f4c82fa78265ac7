"""Requests about the account."""

from __future__ import annotations

from ..objects import Params, StripeObject
from ..resources import account
from ..routes import route
from ..world import World


@route("GET /v1/account")
def retrieve_own(world: World, params: Params) -> StripeObject:
    """The merchant."""
    return account.account(world)


@route("GET /v1/accounts/{id}")
def retrieve(world: World, params: Params, id: str) -> StripeObject:
    """The merchant by id; there is no other account."""
    account.account(world)
    return world.at("account", id)
