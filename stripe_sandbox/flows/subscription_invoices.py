"""Invoices of a subscription: their drafts, what they bill ahead, what they bill afterwards, their discounts."""

from __future__ import annotations

from typing import Any

from ..objects import StripeObject
from ..resources import discounts, invoice_lines, invoices, subscription_items, subscriptions
from ..world import World


def draft(world: World, sub: StripeObject, reason: str, *, proration_date: int | None = None) -> StripeObject:
    """A draft for this subscription, without lines."""
    start, end = subscriptions.period(sub)
    live = [(d, c) for d, c in sub["_coupons"] if _still_running(world, d)]
    invoice = invoices.draft(
        world,
        world.need("customer", sub["customer"]),
        currency=sub["currency"],
        billing_reason=reason,
        collection_method=sub["collection_method"],
        description=sub["invoice_settings"]["description"],
        due_date=world.now + sub["days_until_due"] * 86400 if sub["collection_method"] == "send_invoice" else None,
        parent={
            "quote_details": None,
            "subscription_details": {
                "metadata": dict(sub["metadata"]),
                "subscription": sub["id"],
                "subscription_proration_date": proration_date,
            },
            "type": "subscription_details",
        },
        period_start=start,
        period_end=end,
        _automatic_tax=sub["automatic_tax"]["enabled"],
        _coupons=[list(pair) for pair in live],
        _subscription=sub["id"],
    )
    # A coupon that counts once has now been used.
    sub["_coupons"] = [[d, c] for d, c in live if (world.get(c) or {}).get("duration") != "once"]
    sub["discounts"] = [d for d, _ in sub["_coupons"]]
    return invoice


def _still_running(world: World, discount_id: str) -> bool:
    discount = world.get(discount_id)
    return discount is not None and (discount["end"] is None or discount["end"] > world.now)


def item_parent(
    sub: StripeObject, item: StripeObject, *, proration: bool = False, invoice_item: str | None = None
) -> StripeObject:
    """The ``parent`` of a line that comes from a subscription item."""
    return {
        "invoice_item_details": None,
        "subscription_item_details": {
            "invoice_item": invoice_item,
            "proration": proration,
            "proration_details": {"credited_items": None},
            "subscription": sub["id"],
            "subscription_item": item["id"],
        },
        "type": "subscription_item_details",
    }


def bill_ahead(
    world: World, sub: StripeObject, invoice: StripeObject, start: int, end: int, *, trial: bool = False
) -> None:
    """Lines for what is paid in advance for a period (nothing, during a trial)."""
    for item in subscriptions.items(sub):
        if subscription_items.metered(item):
            continue
        price = world.need("price", item["price"]["id"])
        product = world.need("product", price["product"])
        invoice_lines.add(
            world,
            invoice,
            amount=0 if trial else int(subscription_items.period_cost(world, item)),
            description=f"Trial period for {product['name']}" if trial else subscription_items.label(world, item),
            start=start,
            end=end,
            parent=item_parent(sub, item),
            price=price,
            quantity=item["quantity"],
            unit_amount="0" if trial else None,
            metadata=dict(item["metadata"]),
        )


def bill_usage(world: World, sub: StripeObject, invoice: StripeObject, start: int, end: int) -> None:
    """Lines for what was used in a period that has ended."""
    for item in subscriptions.items(sub):
        if not subscription_items.metered(item):
            continue
        price = world.need("price", item["price"]["id"])
        line = invoice_lines.add(
            world,
            invoice,
            amount=0,
            description=None,
            start=start,
            end=end,
            parent=item_parent(sub, item),
            price=price,
            metadata=dict(item["metadata"]),
        )
        invoice_lines.measure(world, sub["customer"], price, line)


def give_discounts(world: World, sub: StripeObject, given: Any) -> None:
    """Replace the subscription's discounts by these."""
    sub["_coupons"] = []
    for entry in given or []:
        if entry.get("discount"):
            kept = world.need("discount", entry["discount"], "discounts[0][discount]")
            sub["_coupons"].append([kept["id"], kept["source"]["coupon"]])
            continue
        coupon, code = discounts.coupon_of(world, entry)
        discount = discounts.redeem(
            world, coupon, code, start=world.now, customer=sub["customer"], subscription=sub["id"]
        )
        sub["_coupons"].append([discount["id"], coupon["id"]])
    sub["discounts"] = [d for d, _ in sub["_coupons"]]
