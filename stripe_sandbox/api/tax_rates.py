"""Requests about tax rates."""

from __future__ import annotations

from ..objects import Params, StripeObject
from ..pagination import page
from ..routes import route
from ..world import World


@route("GET /v1/tax_rates", "TaxRateListParams")
def index(world: World, params: Params) -> StripeObject:
    """Tax rates, newest first."""
    return page(world, params, "tax_rate", "/v1/tax_rates")


@route("GET /v1/tax_rates/{id}")
def retrieve(world: World, params: Params, id: str) -> StripeObject:
    """One tax rate."""
    return world.at("tax_rate", id)
