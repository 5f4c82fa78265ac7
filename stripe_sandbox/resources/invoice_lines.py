"""The lines of an invoice, and what they add up to."""

from __future__ import annotations

from ..ids import new_id
from ..objects import StripeObject
from ..pricing import cost
from ..values import decimal_text
from ..world import World
from . import discounts, meters, tax_rates


def add(
    world: World,
    invoice: StripeObject,
    *,
    amount: int,
    description: str | None,
    start: int,
    end: int,
    parent: StripeObject | None,
    price: StripeObject | None = None,
    quantity: int | None = 1,
    unit_amount: str | None = None,
    discountable: bool = True,
    metadata: StripeObject | None = None,
) -> StripeObject:
    """Append a line. ``amount`` is before discounts and tax, in minor units; credits are negative."""
    pricing = None
    if price is not None:
        exact = unit_amount if unit_amount is not None else price["unit_amount_decimal"]
        pricing = {
            "price_details": {"price": price["id"], "product": price["product"]},
            "type": "price_details",
            "unit_amount_decimal": exact,
        }
    line: StripeObject = {
        "id": new_id("line_item"),
        "object": "line_item",
        "amount": amount,
        "currency": invoice["currency"],
        "description": description,
        "discount_amounts": [],
        "discountable": discountable,
        "discounts": [],
        "invoice": invoice["id"],
        "livemode": False,
        "metadata": metadata or {},
        "parent": parent,
        "period": {"end": end, "start": start},
        "pretax_credit_amounts": [],
        "pricing": pricing,
        "quantity": quantity,
        "quantity_decimal": None if quantity is None else decimal_text(quantity),
        "subtotal": amount,
        "taxes": [],
    }
    parents = parent or {}
    detail = parents.get("subscription_item_details") or parents.get("invoice_item_details") or {}
    line["subscription"] = detail.get("subscription")
    invoice["lines"]["data"].append(line)
    return line


def total_up(world: World, invoice: StripeObject) -> None:
    """Work out discounts, tax and totals of a draft from its lines."""
    lines = invoice["lines"]["data"]
    percent = tax_rates.percent(world, enabled=invoice["_automatic_tax"])
    invoice["automatic_tax"] = tax_rates.automatic_tax(invoice["_automatic_tax"])
    remaining = [line["amount"] if line["discountable"] else 0 for line in lines]
    off = [0] * len(lines)
    for line in lines:
        line["discount_amounts"] = []
    by_discount: list[StripeObject] = []
    for discount_id, coupon_id in invoice["_coupons"]:
        coupon = world.get(coupon_id)
        if coupon is None:
            continue
        products = [((line["pricing"] or {}).get("price_details") or {}).get("product") for line in lines]
        parts = discounts.taken_off(coupon, remaining, products)
        for index, part in enumerate(parts):
            remaining[index] -= part
            off[index] += part
            if part:
                lines[index]["discount_amounts"].append({"amount": part, "discount": discount_id})
        by_discount.append({"amount": sum(parts), "discount": discount_id})
    subtotal = sum(line["amount"] for line in lines)
    tax_total = 0
    for line, taken in zip(lines, off, strict=True):
        taxable = line["amount"] - taken
        tax = tax_rates.tax_on(taxable, percent)
        line["taxes"] = tax_rates.line_tax(world, tax, taxable, percent)
        tax_total += tax
    excluding = subtotal - sum(off)
    invoice["subtotal"] = invoice["subtotal_excluding_tax"] = subtotal
    invoice["total_discount_amounts"] = by_discount
    invoice["discounts"] = [discount_id for discount_id, _ in invoice["_coupons"]]
    invoice["total_excluding_tax"] = excluding
    invoice["total_taxes"] = tax_rates.line_tax(world, tax_total, excluding, percent)
    invoice["total"] = excluding + tax_total
    invoice["amount_due"] = invoice["amount_remaining"] = max(0, invoice["total"])


def measure_again(world: World, invoice: StripeObject) -> None:
    """What was reported while the invoice was a draft counts: bring its lines for usage up to date."""
    for line in invoice["lines"]["data"]:
        details = (line["parent"] or {}).get("subscription_item_details") or {}
        if line["pricing"] is None or not details or details["proration"]:
            continue
        price = world.need("price", line["pricing"]["price_details"]["price"])
        if price["recurring"] and price["recurring"]["usage_type"] == "metered":
            measure(world, invoice["customer"], price, line)


def measure(world: World, customer: str, price: StripeObject, line: StripeObject) -> None:
    """Put a customer's usage in the line's period, and what it costs, into the line."""
    period = line["period"]
    used = meters.usage(world, price["recurring"]["meter"], customer, period["start"], period["end"])
    product = world.need("product", price["product"])
    line["amount"] = line["subtotal"] = cost(price, used)
    line["description"] = f"{decimal_text(used)} × {product['name']}"
    line["quantity"] = int(used) if used == int(used) else None
    line["quantity_decimal"] = decimal_text(used)
