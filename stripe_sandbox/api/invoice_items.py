"""Requests about invoice items."""

from __future__ import annotations

from decimal import Decimal

from ..errors import InvalidRequest, missing
from ..objects import Params, StripeObject
from ..pagination import page
from ..pricing import cost
from ..resources import invoice_items, invoice_lines
from ..routes import route
from ..values import check_currency, decimal_text, merge_metadata, round_half_up
from ..world import World


@route("POST /v1/invoiceitems", "InvoiceItemCreateParams")
def create(world: World, params: Params) -> StripeObject:
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
    item = invoice_items.make(
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
        invoice_items.pull(world, draft, [item])
        invoice_lines.total_up(world, draft)
        world.emit_update("invoice.updated", draft)
    return item


@route("GET /v1/invoiceitems", "InvoiceItemListParams")
def index(world: World, params: Params) -> StripeObject:
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
def retrieve(world: World, params: Params, id: str) -> StripeObject:
    """One item."""
    return world.at("invoiceitem", id)


@route("POST /v1/invoiceitems/{id}", "InvoiceItemUpdateParams")
def update(world: World, params: Params, id: str) -> StripeObject:
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
def delete(world: World, params: Params, id: str) -> StripeObject:
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
        invoice_lines.total_up(world, draft)
        world.emit_update("invoice.updated", draft)
    world.emit("invoiceitem.deleted", item)
    item["deleted"] = True
    return {"id": id, "object": "invoiceitem", "deleted": True}
