"""Customers and their credit balance."""

from __future__ import annotations

from typing import Any

from ..errors import InvalidRequest
from ..expand import includable, sublist
from ..ids import random_text
from ..lists import page
from ..parameters import Params
from ..routes import route
from ..store import Obj
from ..values import address, assign, merge_metadata, nulls
from ..world import World
from . import payment_methods

_PLAIN = (
    "description",
    "name",
    "phone",
    "preferred_locales",
    "tax_exempt",
    "balance",
    "business_name",
    "individual_name",
)


def blank(world: World) -> Obj:
    """A new customer of whom nothing is known; whoever made it emits ``customer.created``."""
    return world.add(
        "customer",
        **nulls("address currency customer_account default_source description discount email name phone shipping"),
        balance=0,
        delinquent=False,
        invoice_prefix=random_text(8).upper(),
        invoice_settings=nulls("custom_fields default_payment_method footer rendering_options"),
        metadata={},
        next_invoice_sequence=1,
        preferred_locales=[],
        tax_exempt="none",
        test_clock=None,
    )


def _apply(world: World, customer: Obj, params: Params) -> None:
    assign(customer, params, _PLAIN)
    if customer["tax_exempt"] is None:
        customer["tax_exempt"] = "none"
    if "email" in params:
        if params["email"] and "@" not in params["email"]:
            raise InvalidRequest(f"Invalid email address: {params['email']}", code="email_invalid", param="email")
        customer["email"] = params["email"] or None
    if "address" in params:
        customer["address"] = address(params["address"])
    if "shipping" in params:
        given = params["shipping"] or None
        customer["shipping"] = given and {
            "address": address(given.get("address")),
            "carrier": None,
            "name": given.get("name"),
            "phone": given.get("phone"),
            "tracking_number": None,
        }
    if "metadata" in params:
        customer["metadata"] = merge_metadata(customer["metadata"], params["metadata"])
    settings = params.get("invoice_settings") or {}
    if "default_payment_method" in settings:
        method_id = settings["default_payment_method"] or None
        if method_id:
            method = world.need("payment_method", method_id, "invoice_settings[default_payment_method]")
            if method["customer"] != customer["id"]:
                raise InvalidRequest(
                    "The customer does not have a payment method with the ID "
                    f"{method_id}. The payment method must be attached to the customer.",
                    code="resource_missing",
                    param="invoice_settings[default_payment_method]",
                )
        customer["invoice_settings"]["default_payment_method"] = method_id
    if "footer" in settings:
        customer["invoice_settings"]["footer"] = settings["footer"] or None


@route("POST /v1/customers", "CustomerCreateParams")
def create(world: World, params: Params) -> Obj:
    """Create a customer, attaching the payment method that is named, if any."""
    customer = blank(world)
    method_id = params.get("payment_method")
    if method_id:
        method = payment_methods.attach_to(world, payment_methods.resolve(world, method_id), customer)
        settings = params.get("invoice_settings") or {}
        if settings.get("default_payment_method") == method_id:
            settings["default_payment_method"] = method["id"]
    _apply(world, customer, params)
    world.emit("customer.created", customer)
    return customer


@route("GET /v1/customers", "CustomerListParams")
def index(world: World, params: Params) -> Obj:
    """Customers, newest first."""
    return page(world, params, "customer", "/v1/customers", email=params.get("email"))


@route("GET /v1/customers/{id}")
def retrieve(world: World, params: Params, id: str) -> Obj:
    """One customer; a deleted one answers with its id and ``deleted``."""
    customer = world.get(id)
    if customer is not None and customer.get("deleted"):
        return {"id": id, "object": "customer", "deleted": True}
    return world.at("customer", id)


@route("POST /v1/customers/{id}", "CustomerUpdateParams")
def update(world: World, params: Params, id: str) -> Obj:
    """Change a customer."""
    customer = world.at("customer", id)
    _apply(world, customer, params)
    world.emit_update("customer.updated", customer)
    return customer


@route("DELETE /v1/customers/{id}")
def delete(world: World, params: Params, id: str) -> Obj:
    """Delete for good: subscriptions are cancelled at once, the id stays taken."""
    from . import subscriptions

    customer = world.at("customer", id)
    for subscription in world.find("subscription", customer=id):
        if subscription["status"] not in ("canceled", "incomplete_expired"):
            subscriptions.end(world, subscription)
    world.emit("customer.deleted", customer)
    customer["deleted"] = True
    return {"id": id, "object": "customer", "deleted": True}


def change_balance(world: World, customer: Obj, amount: int, kind: str, **links: Any) -> Obj:
    """Add to the balance (negative is credit in the customer's favour) and keep a record of why."""
    customer["balance"] += amount
    return world.add(
        "customer_balance_transaction",
        **nulls("checkout_session credit_note customer_account description invoice")
        | {
            "amount": amount,
            "currency": links.pop("currency", None) or customer["currency"] or "usd",
            "customer": customer["id"],
            "ending_balance": customer["balance"],
            "metadata": {},
            "type": kind,
        }
        | links,
    )


@route("POST /v1/customers/{id}/balance_transactions", "CustomerCreateBalanceTransactionParams")
def create_balance_transaction(world: World, params: Params, id: str) -> Obj:
    """Adjust the balance by hand."""
    customer = world.at("customer", id)
    transaction = change_balance(world, customer, params["amount"], "adjustment", currency=params["currency"])
    transaction["description"] = params.get("description")
    transaction["metadata"] = merge_metadata({}, params.get("metadata"))
    world.emit_update("customer.updated", customer)
    return transaction


@route("GET /v1/customers/{id}/balance_transactions", "CustomerListBalanceTransactionsParams")
def balance_transactions(world: World, params: Params, id: str) -> Obj:
    """The record of the balance, newest first."""
    world.at("customer", id)
    return page(world, params, "customer_balance_transaction", f"/v1/customers/{id}/balance_transactions", customer=id)


@includable("customer", "subscriptions")
def _subscriptions(world: World, customer: Obj) -> Obj:
    live = [s for s in world.find("subscription", customer=customer["id"]) if s["status"] != "canceled"]
    return sublist(f"/v1/customers/{customer['id']}/subscriptions", live)


@includable("customer", "sources")
def _sources(world: World, customer: Obj) -> Obj:
    return sublist(f"/v1/customers/{customer['id']}/sources", [])


@includable("customer", "tax_ids")
def _tax_ids(world: World, customer: Obj) -> Obj:
    return sublist(f"/v1/customers/{customer['id']}/tax_ids", [])


@includable("customer", "tax")
def _tax(world: World, customer: Obj) -> Obj:
    return {"automatic_tax": "supported", "ip_address": None, "location": None, "provider": "stripe"}
