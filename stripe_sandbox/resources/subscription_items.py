"""The items of a subscription: what is subscribed to, how many, and what they cost."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from ..errors import InvalidRequest, missing
from ..ids import new_id
from ..objects import Params, StripeObject
from ..pricing import cost
from ..values import merge_metadata, money
from ..world import World, public
from . import prices

_MAX_ITEMS = 20


def plan_of(price: StripeObject) -> StripeObject:
    """The legacy plan Stripe still shows beside a recurring price."""
    recurring = price["recurring"]
    return {
        "id": price["id"],
        "object": "plan",
        "active": price["active"],
        "amount": price["unit_amount"],
        "amount_decimal": price["unit_amount_decimal"],
        "billing_scheme": price["billing_scheme"],
        "created": price["created"],
        "currency": price["currency"],
        "interval": recurring["interval"],
        "interval_count": recurring["interval_count"],
        "livemode": False,
        "metadata": price["metadata"],
        "meter": recurring["meter"],
        "nickname": price["nickname"],
        "product": price["product"],
        "tiers_mode": price["tiers_mode"],
        "transform_usage": price["transform_quantity"],
        "trial_period_days": recurring["trial_period_days"],
        "usage_type": recurring["usage_type"],
    }


def make(
    world: World, sub: StripeObject, price: StripeObject, quantity: int | None, metadata: Any = None
) -> StripeObject:
    """A new item, not yet in the subscription's list."""
    item: StripeObject = {
        "id": new_id("subscription_item"),
        "object": "subscription_item",
        "billing_thresholds": None,
        "created": world.now,
        "current_period_end": world.now,
        "current_period_start": world.now,
        "discounts": [],
        "metadata": merge_metadata({}, metadata),
        "subscription": sub["id"],
        "tax_rates": [],
    }
    set_price(item, price, quantity)
    return item


def set_price(item: StripeObject, price: StripeObject, quantity: int | None) -> None:
    """Put an item on a price. Metered items have no quantity."""
    item["price"], item["plan"] = public(price), plan_of(price)
    if price["recurring"]["usage_type"] == "metered":
        item.pop("quantity", None)
    else:
        item["quantity"] = 1 if quantity is None else quantity


def metered(item: StripeObject) -> bool:
    """Whether the item is billed by use, afterwards."""
    return bool(item["price"]["recurring"]["usage_type"] == "metered")


def period_cost(world: World, item: StripeObject) -> Decimal:
    """What a licensed item costs for a whole period, in minor units."""
    price = world.need("price", item["price"]["id"])
    return Decimal(cost(price, Decimal(item["quantity"])))


def label(world: World, item: StripeObject) -> str:
    """``5 × Team (at $10.00 / month)``"""
    price = item["price"]
    product = world.need("product", price["product"])
    recurring = price["recurring"]
    every = (
        recurring["interval"]
        if recurring["interval_count"] == 1
        else f"{recurring['interval_count']} {recurring['interval']}s"
    )
    at = f" (at {money(price['unit_amount'], price['currency'])} / {every})" if price["unit_amount"] is not None else ""
    return f"{item.get('quantity', 1)} × {product['name']}{at}"


def price_for(world: World, given: Params, where: str) -> StripeObject:
    """The recurring price an item names or brings along."""
    if given.get("price") or given.get("plan"):
        price = world.need("price", given.get("price") or given.get("plan"), f"{where}[price]")
        if not price["active"]:
            raise InvalidRequest(
                "The price specified is inactive. This field only accepts active prices.", param=f"{where}[price]"
            )
    elif given.get("price_data"):
        price = prices.make(world, given["price_data"])
    else:
        raise missing(f"{where}[price]")
    if price["type"] != "recurring":
        raise InvalidRequest(
            "The price specified is set to `type=one_time` but this field only accepts prices with `type=recurring`.",
            param=f"{where}[price]",
        )
    return price


def check(items: list[StripeObject], currency: str) -> None:
    """Stripe's rules for the items of one subscription."""
    if not items:
        raise InvalidRequest("A subscription must have at least one active item.", param="items")
    if len(items) > _MAX_ITEMS:
        raise InvalidRequest("A subscription can have up to 20 items.", param="items")
    ids = [item["price"]["id"] for item in items]
    if len(set(ids)) < len(ids):
        raise InvalidRequest("Cannot add multiple subscription items with the same price.", param="items")
    intervals = {(i["price"]["recurring"]["interval"], i["price"]["recurring"]["interval_count"]) for i in items}
    if len(intervals) > 1:
        raise InvalidRequest(
            "Currently, all of a subscription's items must have the same billing interval: `interval` and "
            "`interval_count` of the prices differ.",
            param="items",
        )
    if any(item["price"]["currency"] != currency for item in items):
        raise InvalidRequest("The price's currency must match the currency of the subscription.", param="items")
