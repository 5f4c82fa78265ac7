"""Requests about prices."""

from __future__ import annotations

from typing import Any

from ..errors import InvalidRequest
from ..expansion import includable
from ..objects import Params, StripeObject
from ..pagination import page
from ..resources import prices
from ..routes import route
from ..values import merge_metadata
from ..world import World


@route("POST /v1/prices", "PriceCreateParams")
def create(world: World, params: Params) -> StripeObject:
    """Create a price."""
    return prices.make(world, params)


@route("GET /v1/prices", "PriceListParams")
def index(world: World, params: Params) -> StripeObject:
    """Prices, newest first."""
    keys, recurring = params.get("lookup_keys"), params.get("recurring") or {}

    def keep(price: StripeObject) -> bool:
        shape: dict[str, Any] = price["recurring"] or {}
        return (
            (keys is None or price["lookup_key"] in keys)
            and ("active" not in params or price["active"] == params["active"])
            and all(shape.get(name) == value for name, value in recurring.items())
        )

    return page(
        world,
        params,
        "price",
        "/v1/prices",
        keep=keep,
        product=params.get("product"),
        currency=params.get("currency"),
        type=params.get("type"),
    )


@route("GET /v1/prices/{id}")
def retrieve(world: World, params: Params, id: str) -> StripeObject:
    """One price."""
    return world.at("price", id)


@route("POST /v1/prices/{id}", "PriceUpdateParams")
def update(world: World, params: Params, id: str) -> StripeObject:
    """Change what may change; the amount may not."""
    price = world.at("price", id)
    if "active" in params:
        price["active"] = params["active"]
    if "nickname" in params:
        price["nickname"] = params["nickname"] or None
    if "metadata" in params:
        price["metadata"] = merge_metadata(price["metadata"], params["metadata"])
    if "tax_behavior" in params:
        if price["tax_behavior"] not in ("unspecified", params["tax_behavior"]):
            raise InvalidRequest("tax_behavior cannot be changed once it was set.", param="tax_behavior")
        price["tax_behavior"] = params["tax_behavior"]
    if "lookup_key" in params:
        wanted = params["lookup_key"] or None
        if wanted and wanted != price["lookup_key"]:
            prices.claim_lookup_key(world, wanted, transfer=params.get("transfer_lookup_key", False))
        price["lookup_key"] = wanted
    world.emit_update("price.updated", price)
    return price


@includable("price", "tiers")
def _shown_tiers(world: World, price: StripeObject) -> Any:
    stored = world.get(price["id"])
    return stored and stored["_tiers"]


@includable("price", "currency_options")
def _currency_options(world: World, price: StripeObject) -> StripeObject:
    names = ("custom_unit_amount", "tax_behavior", "unit_amount", "unit_amount_decimal")
    return {price["currency"]: {name: price[name] for name in names}}
