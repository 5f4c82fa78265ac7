"""Discounts: what coupons and promotion codes give, and what they take off an amount."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from ..errors import InvalidRequest
from ..objects import Params, StripeObject
from ..periods import add_months
from ..values import nulls, round_half_up
from ..world import World


def usable_code(world: World, text: str, *, customer: str | None) -> StripeObject | None:
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


def redeemable(world: World, coupon: StripeObject) -> bool:
    """Whether a new discount may be made of this coupon."""
    return (
        not coupon.get("deleted")
        and (coupon["redeem_by"] is None or coupon["redeem_by"] > world.now)
        and (coupon["max_redemptions"] is None or coupon["times_redeemed"] < coupon["max_redemptions"])
    )


def coupon_of(world: World, given: Params) -> tuple[StripeObject, StripeObject | None]:
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


def redeem(world: World, coupon: StripeObject, code: StripeObject | None, *, start: int, **links: Any) -> StripeObject:
    """Make a discount of a coupon and count the redemption."""
    for counted in (coupon, code):
        if counted is not None:
            counted["times_redeemed"] += 1
    end = None
    if coupon["duration"] == "repeating":
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


def taken_off(coupon: StripeObject, amounts: list[int], products: list[str | None]) -> list[int]:
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
