"""What a subscription is made of: its own attributes, its items, their one period and their cost."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from ..ids import new_id
from ..pricing import cost
from ..store import Obj
from ..values import merge_metadata, money, nulls
from ..world import World, public

ENDED = ("canceled", "incomplete_expired")


def blank(world: World, customer: Obj, *, currency: str, **values: Any) -> Obj:
    """A subscription without items, not yet announced."""
    sub = world.add(
        "subscription",
        **nulls(
            "application application_fee_percent billing_cycle_anchor_config billing_thresholds cancel_at canceled_at "
            "customer_account days_until_due default_payment_method default_source description ended_at latest_invoice "
            "next_pending_invoice_item_invoice on_behalf_of pause_collection pending_invoice_item_interval "
            "pending_setup_intent pending_update schedule test_clock transfer_data trial_end trial_start"
        )
        | {
            "automatic_tax": {"disabled_reason": None, "enabled": False, "liability": None},
            "billing_cycle_anchor": world.now,
            "billing_mode": {"flexible": None, "type": "classic"},
            "billing_schedules": [],
            "cancel_at_period_end": False,
            "cancellation_details": nulls("comment feedback feedback_option reason"),
            "collection_method": "charge_automatically",
            "currency": currency,
            "customer": customer["id"],
            "default_tax_rates": [],
            "discounts": [],
            "invoice_settings": nulls("account_tax_ids custom_fields description footer")
            | {"issuer": {"type": "self"}},
            "items": {"object": "list", "data": [], "has_more": False, "url": ""},
            "metadata": {},
            "payment_settings": nulls("payment_method_options payment_method_types")
            | {"save_default_payment_method": "off"},
            "start_date": world.now,
            "status": "incomplete",
            "trial_settings": {"end_behavior": {"missing_payment_method": "create_invoice"}},
            "_coupons": [],
            "_pending": None,
        }
        | values,
    )
    sub["items"]["url"] = f"/v1/subscription_items?subscription={sub['id']}"
    return sub


def plan_of(price: Obj) -> Obj:
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


def make_item(world: World, sub: Obj, price: Obj, quantity: int | None, metadata: Any = None) -> Obj:
    """A new item, not yet in the subscription's list."""
    item: Obj = {
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


def set_price(item: Obj, price: Obj, quantity: int | None) -> None:
    """Put an item on a price. Metered items have no quantity."""
    item["price"], item["plan"] = public(price), plan_of(price)
    if price["recurring"]["usage_type"] == "metered":
        item.pop("quantity", None)
    else:
        item["quantity"] = 1 if quantity is None else quantity


def items(sub: Obj) -> list[Obj]:
    """The items themselves."""
    return list(sub["items"]["data"])


def metered(item: Obj) -> bool:
    """Whether the item is billed by use, afterwards."""
    return bool(item["price"]["recurring"]["usage_type"] == "metered")


def interval(sub: Obj) -> tuple[str, int]:
    """The one interval of all items."""
    recurring = sub["items"]["data"][0]["price"]["recurring"]
    return recurring["interval"], recurring["interval_count"]


def period(sub: Obj) -> tuple[int, int]:
    """Start and end of the current period."""
    first = sub["items"]["data"][0]
    return first["current_period_start"], first["current_period_end"]


def set_period(world: World, sub: Obj, start: int, end: int) -> None:
    """Move every item to this period and schedule its end."""
    for item in sub["items"]["data"]:
        item["current_period_start"], item["current_period_end"] = start, end
    world.unschedule(sub["id"], "subscription.renew")
    world.unschedule(sub["id"], "subscription.upcoming")
    world.schedule("subscription.renew", sub["id"], end)
    upcoming = end - int(world.setting("upcoming_days")) * 86400
    if upcoming > world.now:
        world.schedule("subscription.upcoming", sub["id"], upcoming)


def period_cost(world: World, item: Obj) -> Decimal:
    """What a licensed item costs for a whole period, in minor units."""
    price = world.need("price", item["price"]["id"])
    return Decimal(cost(price, Decimal(item["quantity"])))


def label(world: World, item: Obj) -> str:
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


def describe(world: World, sub: Obj) -> str:
    """What a subscription is for, in words, for pages."""
    return ", ".join(label(world, item) for item in items(sub))
