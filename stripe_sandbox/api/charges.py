"""Requests about charges."""

from __future__ import annotations

from ..expansion import includable, sublist
from ..objects import Params, StripeObject
from ..pagination import page
from ..routes import route
from ..values import merge_metadata
from ..world import World


@route("GET /v1/charges", "ChargeListParams")
def index(world: World, params: Params) -> StripeObject:
    """Charges, newest first."""
    return page(
        world,
        params,
        "charge",
        "/v1/charges",
        customer=params.get("customer"),
        payment_intent=params.get("payment_intent"),
    )


@route("GET /v1/charges/{id}")
def retrieve(world: World, params: Params, id: str) -> StripeObject:
    """One charge."""
    return world.at("charge", id)


@route("POST /v1/charges/{id}", "ChargeUpdateParams")
def update(world: World, params: Params, id: str) -> StripeObject:
    """Change what is written about a charge."""
    charge = world.at("charge", id)
    if "description" in params:
        charge["description"] = params["description"]
    if "metadata" in params:
        charge["metadata"] = merge_metadata(charge["metadata"], params["metadata"])
    world.emit_update("charge.updated", charge)
    return charge


@includable("charge", "refunds")
def _refunds(world: World, charge: StripeObject) -> StripeObject:
    return sublist(f"/v1/charges/{charge['id']}/refunds", world.find("refund", charge=charge["id"]))


@route("GET /v1/charges/{charge}/refunds", "RefundListParams")
def refunds_of(world: World, params: Params, charge: str) -> StripeObject:
    """The refunds of a charge."""
    world.at("charge", charge)
    return page(world, params, "refund", f"/v1/charges/{charge}/refunds", charge=charge)
