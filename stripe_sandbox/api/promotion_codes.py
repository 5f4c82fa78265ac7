"""Requests about promotion codes."""

from __future__ import annotations

from ..errors import InvalidRequest
from ..ids import random_text
from ..objects import Params, StripeObject
from ..pagination import page
from ..routes import route
from ..values import merge_metadata, nulls
from ..world import World


@route("POST /v1/promotion_codes", "PromotionCodeCreateParams")
def create(world: World, params: Params) -> StripeObject:
    """Create a code that customers can type in."""
    coupon = world.need("coupon", params["promotion"].get("coupon"), "promotion[coupon]")
    text = (params.get("code") or random_text(8)).upper()
    if any(code["active"] for code in world.find("promotion_code", code=text)):
        raise InvalidRequest(f"An active promotion code with `code: {text}` already exists.", param="code")
    limits = params.get("restrictions") or {}
    code = world.add(
        "promotion_code",
        active=params.get("active", True),
        code=text,
        customer=params.get("customer"),
        customer_account=None,
        expires_at=params.get("expires_at"),
        max_redemptions=params.get("max_redemptions"),
        metadata=merge_metadata({}, params.get("metadata")),
        promotion={"coupon": coupon["id"], "type": "coupon"},
        restrictions=nulls("minimum_amount minimum_amount_currency")
        | {"first_time_transaction": False}
        | {k: v for k, v in limits.items() if k != "currency_options"},
        times_redeemed=0,
    )
    world.emit("promotion_code.created", code)
    return code


@route("GET /v1/promotion_codes", "PromotionCodeListParams")
def index(world: World, params: Params) -> StripeObject:
    """Promotion codes, newest first."""
    return page(
        world,
        params,
        "promotion_code",
        "/v1/promotion_codes",
        keep=lambda code: "active" not in params or code["active"] == params["active"],
        code=params.get("code"),
        customer=params.get("customer"),
        promotion__coupon=params.get("coupon"),
    )


@route("GET /v1/promotion_codes/{id}")
def retrieve(world: World, params: Params, id: str) -> StripeObject:
    """One promotion code."""
    return world.at("promotion_code", id)


@route("POST /v1/promotion_codes/{id}", "PromotionCodeUpdateParams")
def update(world: World, params: Params, id: str) -> StripeObject:
    """Switch a code on or off."""
    code = world.at("promotion_code", id)
    if "active" in params:
        code["active"] = params["active"]
    if "metadata" in params:
        code["metadata"] = merge_metadata(code["metadata"], params["metadata"])
    world.emit_update("promotion_code.updated", code)
    return code
