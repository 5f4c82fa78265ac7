"""Requests about coupons."""

from __future__ import annotations

from ..errors import InvalidRequest
from ..expansion import includable
from ..objects import Params, StripeObject
from ..pagination import page
from ..routes import route
from ..values import check_currency, merge_metadata
from ..world import World


@route("POST /v1/coupons", "CouponCreateParams")
def create(world: World, params: Params) -> StripeObject:
    """Create a coupon of a percentage or an amount."""
    if (params.get("percent_off") is None) == (params.get("amount_off") is None):
        raise InvalidRequest("Must provide exactly one of percent_off or amount_off.", param="percent_off")
    if params.get("id") and world.get(params["id"]):
        raise InvalidRequest("Coupon already exists.", code="resource_already_exists", param="id")
    duration = params.get("duration", "once")
    if duration == "repeating" and not params.get("duration_in_months"):
        raise InvalidRequest(
            "Missing required param: duration_in_months.", code="parameter_missing", param="duration_in_months"
        )
    coupon = world.add(
        "coupon",
        id=params.get("id"),
        amount_off=params.get("amount_off"),
        currency=check_currency(params["currency"]) if params.get("amount_off") else None,
        duration=duration,
        duration_in_months=params.get("duration_in_months"),
        max_redemptions=params.get("max_redemptions"),
        metadata=merge_metadata({}, params.get("metadata")),
        name=params.get("name"),
        percent_off=params.get("percent_off"),
        redeem_by=params.get("redeem_by"),
        times_redeemed=0,
        valid=True,
        _products=(params.get("applies_to") or {}).get("products"),
    )
    world.emit("coupon.created", coupon)
    return coupon


@route("GET /v1/coupons", "CouponListParams")
def index(world: World, params: Params) -> StripeObject:
    """Coupons, newest first."""
    return page(world, params, "coupon", "/v1/coupons")


@route("GET /v1/coupons/{id}")
def retrieve(world: World, params: Params, id: str) -> StripeObject:
    """One coupon."""
    return world.at("coupon", id)


@route("POST /v1/coupons/{id}", "CouponUpdateParams")
def update(world: World, params: Params, id: str) -> StripeObject:
    """Rename a coupon or change its metadata."""
    coupon = world.at("coupon", id)
    if "name" in params:
        coupon["name"] = params["name"] or None
    if "metadata" in params:
        coupon["metadata"] = merge_metadata(coupon["metadata"], params["metadata"])
    world.emit_update("coupon.updated", coupon)
    return coupon


@route("DELETE /v1/coupons/{id}")
def delete(world: World, params: Params, id: str) -> StripeObject:
    """Stop new redemptions; discounts already given stay."""
    coupon = world.at("coupon", id)
    world.emit("coupon.deleted", coupon)
    coupon["deleted"] = True
    return {"id": id, "object": "coupon", "deleted": True}


@includable("coupon", "applies_to")
def _applies_to(world: World, coupon: StripeObject) -> StripeObject | None:
    return {"products": coupon["_products"]} if coupon.get("_products") else None
