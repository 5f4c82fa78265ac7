"""Invoice items: amounts waiting for the next invoice; prorations are made of them too."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from ..errors import InvalidRequest, missing
from ..lists import page
from ..parameters import Params
from ..pricing import cost
from ..routes import route
from ..store import Obj
from ..values import check_currency, decimal_text, merge_metadata, nulls, round_half_up
from ..world import World
from . import invoices


def make(
    world: World,
    *,
    customer: str,
    amount: int,
    currency: str,
    description: str | None,
    start: int,
    end: int,
    price: Obj | None = None,
    quantity: int = 1,
    unit_amount: str | None = None,
    subscription: str | None = None,
    subscription_item: str | None = None,
    proration: bool = False,
    **values: Any,
) -> Obj:
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


def pending(world: World, customer: str, subscription: str | None) -> list[Obj]:
    """Items that wait for an invoice: of this subscription, and those of none. Oldest first."""
    found = [i for i in world.find("invoiceitem", customer=customer) if i["invoice"] is None and not i.get("deleted")]
    return [i for i in reversed(found) if i["_subscription"] in (None, subscription)]


def pull(world: World, invoice: Obj, found: list[Obj]) -> None:
    """Turn pending items into lines of a draft."""
    for item in found:
        if item["currency"] != invoice["currency"]:
            continue
        details = (item["parent"] or {}).get("subscription_details") or {}
        if item["proration"]:
            parent: Obj = {
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
        line = invoices.add_line(
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


@route("POST /v1/invoiceitems", "InvoiceItemCreateParams")
def create(world: World, params: Params) -> Obj:
    """Create an item from an amount or from a price; onto a draft if one is named."""
    if not params.get("customer"):
        raise missing("customer")
    customer = world.need("customer", params["customer"], "customer")
    sub = world.need("subscription", params["subscription"], "subscription") if params.get("subscription") else None
    quantity = params.get("quantity", 1)
    price = None
    unit: str | None = None
    if (params.get("pricing") or {}).get("price"):
        price = world.need("price", params["pricing"]["price"], "pricing[price]")
        if price["type"] == "recurring":
            raise InvalidRequest(
                "The price specified is recurring; invoice items take one-time prices.", param="pricing[price]"
            )
        amount, currency = cost(price, Decimal(quantity)), price["currency"]
    else:
        currency = check_currency(params.get("currency") or (sub and sub["currency"]) or customer["currency"] or "usd")
        if "amount" in params:
            amount = params["amount"]
            unit = decimal_text(Decimal(amount) / quantity) if quantity and amount % quantity == 0 else None
        elif "unit_amount_decimal" in params:
            unit = decimal_text(params["unit_amount_decimal"])
            amount = round_half_up(Decimal(unit) * quantity)
        else:
            raise missing("amount")
    span = params.get("period") or {"start": world.now, "end": world.now}
    draft = world.need("invoice", params["invoice"], "invoice") if params.get("invoice") else None
    if draft is not None and draft["status"] != "draft":
        raise InvalidRequest("This invoice is no longer editable.", code="invoice_not_editable", param="invoice")
    item = make(
        world,
        customer=customer["id"],
        amount=amount,
        currency=currency,
        description=params.get("description"),
        start=span["start"],
        end=span["end"],
        price=price,
        quantity=quantity,
        unit_amount=unit,
        subscription=sub["id"] if sub else None,
        discountable=params.get("discountable", amount > 0),
        metadata=merge_metadata({}, params.get("metadata")),
    )
    if draft is not None:
        pull(world, draft, [item])
        invoices.total_up(world, draft)
        world.emit_update("invoice.updated", draft)
    return item


@route("GET /v1/invoiceitems", "InvoiceItemListParams")
def index(world: World, params: Params) -> Obj:
    """Items, newest first; ``pending`` picks those that wait."""
    waiting = params.get("pending")
    return page(
        world,
        params,
        "invoiceitem",
        "/v1/invoiceitems",
        keep=lambda i: waiting is None or (i["invoice"] is None) == waiting,
        customer=params.get("customer"),
        invoice=params.get("invoice"),
    )


@route("GET /v1/invoiceitems/{id}")
def retrieve(world: World, params: Params, id: str) -> Obj:
    """One item."""
    return world.at("invoiceitem", id)


@route("POST /v1/invoiceitems/{id}", "InvoiceItemUpdateParams")
def update(world: World, params: Params, id: str) -> Obj:
    """Change an item that waits."""
    item = world.at("invoiceitem", id)
    if "metadata" in params:
        item["metadata"] = merge_metadata(item["metadata"], params["metadata"])
    if item["invoice"] is None:
        for name in ("amount", "description", "discountable"):
            if name in params:
                item[name] = params[name]
        item["net_amount"] = item["amount"]
    return item


@route("DELETE /v1/invoiceitems/{id}")
def delete(world: World, params: Params, id: str) -> Obj:
    """Forget an item that waits."""
    item = world.at("invoiceitem", id)
    if item["invoice"] is not None and world.need("invoice", item["invoice"])["status"] != "draft":
        raise InvalidRequest("This invoice item is on a finalized invoice.", code="invoice_not_editable")
    draft = world.get(item["invoice"])
    if draft is not None:
        keep = []
        for line in draft["lines"]["data"]:
            details = (line["parent"] or {}).get("invoice_item_details") or {}
            if details.get("invoice_item") != id:
                keep.append(line)
        draft["lines"]["data"] = keep
        invoices.total_up(world, draft)
        world.emit_update("invoice.updated", draft)
    world.emit("invoiceitem.deleted", item)
    item["deleted"] = True
    return {"id": id, "object": "invoiceitem", "deleted": True}
