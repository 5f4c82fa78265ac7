"""Invoice items: amounts waiting for the next invoice; prorations are made of them too."""

from __future__ import annotations

from typing import Any

from ..objects import StripeObject
from ..values import decimal_text, nulls
from ..world import World
from . import invoice_lines


def make(
    world: World,
    *,
    customer: str,
    amount: int,
    currency: str,
    description: str | None,
    start: int,
    end: int,
    price: StripeObject | None = None,
    quantity: int = 1,
    unit_amount: str | None = None,
    subscription: str | None = None,
    subscription_item: str | None = None,
    proration: bool = False,
    **values: Any,
) -> StripeObject:
    """A pending invoice item, with ``invoiceitem.created``."""
    item = world.add(
        "invoiceitem",
        **nulls("customer_account frozen_fields invoice test_clock")
        | {
            "amount": amount,
            "currency": currency,
            "customer": customer,
            "date": world.now,
            "description": description,
            "discountable": not proration,
            "discounts": [],
            "metadata": {},
            "net_amount": amount,
            "parent": {
                "subscription_details": {"subscription": subscription, "subscription_item": subscription_item},
                "type": "subscription_details",
            }
            if subscription
            else None,
            "period": {"end": end, "start": start},
            "pricing": {
                "price_details": {"price": price["id"], "product": price["product"]},
                "type": "price_details",
                "unit_amount_decimal": unit_amount if unit_amount is not None else price["unit_amount_decimal"],
            }
            if price
            else None,
            "proration": proration,
            "proration_details": {"credited_items": None, "discount_amounts": []} if proration else None,
            "quantity": quantity,
            "quantity_decimal": decimal_text(quantity),
            "tax_rates": [],
            "_subscription": subscription,
        }
        | values,
    )
    world.emit("invoiceitem.created", item)
    return item


def pending(world: World, customer: str, subscription: str | None) -> list[StripeObject]:
    """Items that wait for an invoice: of this subscription, and those of none. Oldest first."""
    found = [i for i in world.find("invoiceitem", customer=customer) if i["invoice"] is None and not i.get("deleted")]
    return [i for i in reversed(found) if i["_subscription"] in (None, subscription)]


def pull(world: World, invoice: StripeObject, found: list[StripeObject]) -> None:
    """Turn pending items into lines of a draft."""
    for item in found:
        if item["currency"] != invoice["currency"]:
            continue
        details = (item["parent"] or {}).get("subscription_details") or {}
        if item["proration"]:
            parent: StripeObject = {
                "invoice_item_details": None,
                "subscription_item_details": {
                    "invoice_item": item["id"],
                    "proration": True,
                    "proration_details": {"credited_items": None},
                    "subscription": details.get("subscription"),
                    "subscription_item": details.get("subscription_item"),
                },
                "type": "subscription_item_details",
            }
        else:
            parent = {
                "invoice_item_details": {
                    "invoice_item": item["id"],
                    "proration": False,
                    "proration_details": {"credited_items": None},
                    "subscription": details.get("subscription"),
                },
                "subscription_item_details": None,
                "type": "invoice_item_details",
            }
        pricing = item["pricing"] or {}
        price = world.get((pricing.get("price_details") or {}).get("price"))
        line = invoice_lines.add(
            world,
            invoice,
            amount=item["amount"],
            description=item["description"],
            start=item["period"]["start"],
            end=item["period"]["end"],
            parent=parent,
            price=price,
            quantity=item["quantity"],
            unit_amount=pricing.get("unit_amount_decimal"),
            discountable=item["discountable"],
            metadata=dict(item["metadata"]),
        )
        if price is None and pricing:
            line["pricing"] = dict(pricing)
        item["invoice"] = invoice["id"]
