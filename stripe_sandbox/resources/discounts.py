"""Coupons, promotion codes and what they take off an amount."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from ..errors import InvalidRequest
from ..expand import includable
from ..ids import random_text
from ..lists import page
from ..parameters import Params
from ..routes import route
from ..store import Obj
from ..values import check_currency, merge_metadata, nulls, round_half_up
from ..world import World


@route("POST /v1/coupons", "CouponCreateParams")
def create_coupon(world: World, params: Params) -> Obj:
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
def coupons(world: World, params: Params) -> Obj:
    """Coupons, newest first."""
    return page(world, params, "coupon", "/v1/coupons")


@route("GET /v1/coupons/{id}")
def retrieve_coupon(world: World, params: Params, id: str) -> Obj:
    """One coupon."""
    return world.at("coupon", id)


@route("POST /v1/coupons/{id}", "CouponUpdateParams")
def update_coupon(world: World, params: Params, id: str) -> Obj:
    """Rename a coupon or change its metadata."""
    coupon = world.at("coupon", id)
    if "name" in params:
        coupon["name"] = params["name"] or None
    if "metadata" in params:
        coupon["metadata"] = merge_metadata(coupon["metadata"], params["metadata"])
    world.emit_update("coupon.updated", coupon)
    return coupon


@route("DELETE /v1/coupons/{id}")
def delete_coupon(world: World, params: Params, id: str) -> Obj:
    """Stop new redemptions; discounts already given stay."""
    coupon = world.at("coupon", id)
    world.emit("coupon.deleted", coupon)
    coupon["deleted"] = True
    return {"id": id, "object": "coupon", "deleted": True}


@route("POST /v1/promotion_codes", "PromotionCodeCreateParams")
def create_code(world: World, params: Params) -> Obj:
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
def codes(world: World, params: Params) -> Obj:
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
def retrieve_code(world: World, params: Params, id: str) -> Obj:
    """One promotion code."""
    return world.at("promotion_code", id)


@route("POST /v1/promotion_codes/{id}", "PromotionCodeUpdateParams")
def update_code(world: World, params: Params, id: str) -> Obj:
    """Switch a code on or off."""
    code = world.at("promotion_code", id)
    if "active" in params:
        code["active"] = params["active"]
    if "metadata" in params:
        code["metadata"] = merge_metadata(code["metadata"], params["metadata"])
    world.emit_update("promotion_code.updated", code)
    return code


@includable("coupon", "applies_to")
def _applies_to(world: World, coupon: Obj) -> Obj | None:
    return {"products": coupon["_products"]} if coupon.get("_products") else None


def usable_code(world: World, text: str, *, customer: str | None) -> Obj | None:
    """The active promotion code with this text that this customer may redeem now."""
    for code in world.find("promotion_code", code=text.strip().upper()):
        coupon = world.get(code["promotion"]["coupon"])
        fits = (
            code["active"]
            and code["customer"] in (None, customer)
            and (code["expires_at"] is None or code["expires_at"] > world.now)
            and (code["max_redemptions"] is None or code["times_redeemed"] < code["max_redemptions"])
        )
        if fits and coupon is not None and redeemable(world, coupon):
            return code
    return None


def redeemable(world: World, coupon: Obj) -> bool:
    """Whether a new discount may be made of this coupon."""
    return (
        not coupon.get("deleted")
        and (coupon["redeem_by"] is None or coupon["redeem_by"] > world.now)
        and (coupon["max_redemptions"] is None or coupon["times_redeemed"] < coupon["max_redemptions"])
    )


def coupon_of(world: World, given: Params) -> tuple[Obj, Obj | None]:
    """(coupon, promotion code) named by one entry of a ``discounts`` parameter."""
    code = None
    if given.get("promotion_code"):
        code = world.need("promotion_code", given["promotion_code"], "discounts[0][promotion_code]")
        coupon = world.need("coupon", code["promotion"]["coupon"], "discounts[0][coupon]")
    else:
        coupon = world.need("coupon", given.get("coupon"), "discounts[0][coupon]")
    if not redeemable(world, coupon):
        raise InvalidRequest(f"Coupon {coupon['id']} is expired and cannot be applied.", code="coupon_expired")
    return coupon, code


def redeem(world: World, coupon: Obj, code: Obj | None, *, start: int, **links: Any) -> Obj:
    """Make a discount of a coupon and count the redemption."""
    for counted in (coupon, code):
        if counted is not None:
            counted["times_redeemed"] += 1
    end = None
    if coupon["duration"] == "repeating":
        from ..periods import add_months

        end = add_months(start, coupon["duration_in_months"])
    discount = world.add(
        "discount",
        **nulls("checkout_session customer customer_account invoice invoice_item subscription subscription_item")
        | {"end": end, "promotion_code": code and code["id"], "start": start}
        | {"source": {"coupon": coupon["id"], "type": "coupon"}}
        | links,
    )
    if discount["customer"]:
        world.emit("customer.discount.created", discount)
    return discount


def taken_off(coupon: Obj, amounts: list[int], products: list[str | None]) -> list[int]:
    """What the coupon takes off each amount: a percentage of each, or its amount spread in proportion.

    Rounding is half up on the running total, so the parts always add up to the whole.
    """
    wanted = coupon["_products"]
    base = [
        amount if amount > 0 and (not wanted or product in wanted) else 0
        for amount, product in zip(amounts, products, strict=True)
    ]
    total = sum(base)
    if not total:
        return [0] * len(amounts)
    if coupon["percent_off"] is not None:
        whole = round_half_up(Decimal(total) * Decimal(str(coupon["percent_off"])) / 100)
    else:
        whole = min(coupon["amount_off"], total)
    parts, so_far, given = [], 0, 0
    for amount in base:
        so_far += amount
        upto = round_half_up(Decimal(whole) * so_far / total)
        parts.append(upto - given)
        given = upto
    return parts
