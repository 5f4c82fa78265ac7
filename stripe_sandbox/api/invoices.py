"""Requests about invoices and their lines."""

from __future__ import annotations

from ..errors import InvalidRequest, missing
from ..expansion import includable
from ..flows import collection, invoice_previews, subscription_invoices, subscription_lifecycle
from ..objects import Params, StripeObject
from ..pagination import page, slice_of
from ..parameters import refuse
from ..resources import discounts, invoice_items, invoice_lines, invoices, payment_intents, payment_methods
from ..routes import route
from ..values import check_currency, merge_metadata
from ..world import World


@route("POST /v1/invoices", "InvoiceCreateParams")
def create(world: World, params: Params) -> StripeObject:
    """A manual draft; it takes the pending items only if ``pending_invoice_items_behavior`` says so."""
    refuse(params, "default_tax_rates", "from_invoice", "number", "shipping_cost", "transfer_data")
    if not params.get("customer"):
        raise missing("customer")
    customer = world.need("customer", params["customer"], "customer")
    sub = world.need("subscription", params["subscription"], "subscription") if params.get("subscription") else None
    currency = check_currency(params.get("currency") or (sub and sub["currency"]) or customer["currency"] or "usd")
    if sub is not None:
        invoice = subscription_invoices.draft(world, sub, "subscription_update")
    else:
        invoice = invoices.draft(world, customer, currency=currency, billing_reason="manual")
    invoice["auto_advance"] = params.get("auto_advance", False)
    invoice["collection_method"] = params.get("collection_method", "charge_automatically")
    invoice["default_payment_method"] = params.get("default_payment_method")
    invoice["description"], invoice["footer"] = params.get("description"), params.get("footer")
    invoice["metadata"] = merge_metadata({}, params.get("metadata"))
    invoice["_automatic_tax"] = (params.get("automatic_tax") or {}).get("enabled", invoice["_automatic_tax"])
    if invoice["collection_method"] == "send_invoice":
        invoice["due_date"] = params.get("due_date") or world.now + params.get("days_until_due", 30) * 86400
    for given in params.get("discounts") or []:
        coupon, code = discounts.coupon_of(world, given)
        discount = discounts.redeem(
            world, coupon, code, start=world.now, customer=customer["id"], invoice=invoice["id"]
        )
        invoice["_coupons"].append([discount["id"], coupon["id"]])
    if params.get("pending_invoice_items_behavior") == "include" or sub is not None:
        waiting = invoice_items.pending(world, customer["id"], sub["id"] if sub else None)
        invoice_items.pull(world, invoice, waiting)
    invoices.announce(world, invoice)
    if invoice["auto_advance"]:
        invoice["automatically_finalizes_at"] = world.now + 3600
        world.schedule("invoice.finalize", invoice["id"], world.now + 3600)
    return invoice


@route("POST /v1/invoices/create_preview", "InvoiceCreatePreviewParams")
def create_preview(world: World, params: Params) -> StripeObject:
    """The invoice a new subscription, a change, a cancellation or the next renewal would bring."""
    return invoice_previews.make(world, params)


@route("GET /v1/invoices", "InvoiceListParams")
def index(world: World, params: Params) -> StripeObject:
    """Invoices, newest first."""
    return page(
        world,
        params,
        "invoice",
        "/v1/invoices",
        customer=params.get("customer"),
        status=params.get("status"),
        collection_method=params.get("collection_method"),
        _subscription=params.get("subscription"),
    )


@route("GET /v1/invoices/{id}")
def retrieve(world: World, params: Params, id: str) -> StripeObject:
    """One invoice."""
    return world.at("invoice", id)


@route("POST /v1/invoices/{id}", "InvoiceUpdateParams")
def update(world: World, params: Params, id: str) -> StripeObject:
    """Change a draft, or the metadata of any invoice."""
    invoice = world.at("invoice", id)
    if "metadata" in params:
        invoice["metadata"] = merge_metadata(invoice["metadata"], params["metadata"])
    if "auto_advance" in params:
        invoice["auto_advance"] = params["auto_advance"]
        if invoice["status"] == "draft" and not params["auto_advance"]:
            world.unschedule(id, "invoice.finalize")
    if set(params) - {"metadata", "auto_advance", "default_payment_method"} and invoice["status"] != "draft":
        raise InvalidRequest("Finalized invoices can't be updated in this way.", code="invoice_not_editable")
    for name in ("description", "footer", "default_payment_method", "due_date"):
        if name in params:
            invoice[name] = params[name] or None
    if invoice["status"] == "draft":
        invoice_lines.total_up(world, invoice)
    world.emit_update("invoice.updated", invoice)
    return invoice


@route("DELETE /v1/invoices/{id}")
def delete(world: World, params: Params, id: str) -> StripeObject:
    """Delete a manual draft; its items wait again."""
    invoice = world.at("invoice", id)
    if invoice["status"] != "draft" or invoice["parent"]:
        raise InvalidRequest("You can only delete draft invoices that belong to no subscription.")
    world.unschedule(id)
    for item in world.find("invoiceitem", invoice=id):
        item["invoice"] = None
    world.emit("invoice.deleted", invoice)
    invoice["deleted"] = True
    return {"id": id, "object": "invoice", "deleted": True}


@route("POST /v1/invoices/{id}/finalize", "InvoiceFinalizeInvoiceParams")
def finalize(world: World, params: Params, id: str) -> StripeObject:
    """Number a draft and ask for its payment; with nothing due it is paid."""
    invoice = world.at("invoice", id)
    if "auto_advance" in params:
        invoice["auto_advance"] = params["auto_advance"]
    if invoice["auto_advance"]:
        collection.finalize_and_collect(world, invoice)
        return invoice
    invoices.finalize(world, invoice)
    if not invoice["amount_due"]:
        invoices.settle(world, invoice)
        subscription_lifecycle.invoice_paid(world, invoice)
    return invoice


@route("POST /v1/invoices/{id}/pay", "InvoicePayParams")
def pay(world: World, params: Params, id: str) -> StripeObject:
    """Collect now, with this method or the one on file. A refusal is a card error, and counts as an attempt."""
    invoice = world.at("invoice", id)
    if invoice["status"] == "draft":
        invoices.finalize(world, invoice)
    if invoice["status"] == "paid":
        raise InvalidRequest("Invoice is already paid", code="invoice_already_paid")
    if invoice["status"] not in ("open", "uncollectible"):
        raise InvalidRequest("Invoice is no longer payable", code="invoice_not_payable")
    if params.get("paid_out_of_band") or not invoice["amount_due"]:
        invoices.settle(world, invoice, out_of_band=bool(params.get("paid_out_of_band")))
        subscription_lifecycle.invoice_paid(world, invoice)
        return invoice
    method = None
    if params.get("payment_method"):
        method = payment_methods.resolve(world, params["payment_method"])
        customer = world.need("customer", invoice["customer"])
        if method["customer"] is None:
            payment_methods.attach(world, method, customer)
    if method is None and collection.method_for(world, invoice) is None:
        raise InvalidRequest(
            "There is no `default_payment_method` set on this Customer or Invoice. Please set one or pass "
            "`payment_method`.",
            code="missing",
        )
    intent = world.need("payment_intent", invoice["_intent"])
    status = collection.attempt(
        world, invoice, method=method, off_session=bool(params.get("off_session", True)), automatic=False
    )
    if status == "failed":
        raise payment_intents.declined(intent)
    return invoice


@route("POST /v1/invoices/{id}/void", "InvoiceVoidInvoiceParams")
def void(world: World, params: Params, id: str) -> StripeObject:
    """Take an open invoice back."""
    invoice = world.at("invoice", id)
    invoices.void(world, invoice)
    return invoice


@route("POST /v1/invoices/{id}/mark_uncollectible", "InvoiceMarkUncollectibleParams")
def mark_uncollectible(world: World, params: Params, id: str) -> StripeObject:
    """Give up on an open invoice."""
    invoice = world.at("invoice", id)
    invoices.write_off(world, invoice)
    return invoice


@route("POST /v1/invoices/{id}/send", "InvoiceSendInvoiceParams")
def send(world: World, params: Params, id: str) -> StripeObject:
    """Announce an invoice to its customer."""
    invoice = world.at("invoice", id)
    if invoice["status"] == "draft":
        invoices.finalize(world, invoice)
    world.emit("invoice.sent", invoice)
    return invoice


@route("GET /v1/invoices/{id}/lines", "InvoiceListLinesParams")
def lines(world: World, params: Params, id: str) -> StripeObject:
    """All lines."""
    return slice_of(params, world.at("invoice", id)["lines"]["data"], f"/v1/invoices/{id}/lines")


@includable("invoice", "confirmation_secret")
def _confirmation_secret(world: World, invoice: StripeObject) -> StripeObject | None:
    return invoices.secret_of(world, invoice)
