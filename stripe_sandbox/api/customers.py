"""Requests about customers and their balance."""

from __future__ import annotations

from ..expansion import includable, sublist
from ..flows import subscription_lifecycle
from ..objects import Params, StripeObject
from ..pagination import page
from ..resources import customers, payment_methods
from ..routes import route
from ..values import merge_metadata
from ..world import World


@route("POST /v1/customers", "CustomerCreateParams")
def create(world: World, params: Params) -> StripeObject:
    """Create a customer, attaching the payment method that is named, if any."""
    customer = customers.blank(world)
    method_id = params.get("payment_method")
    if method_id:
        method = payment_methods.attach(world, payment_methods.resolve(world, method_id), customer)
        settings = params.get("invoice_settings") or {}
        if settings.get("default_payment_method") == method_id:
            settings["default_payment_method"] = method["id"]
    customers.apply(world, customer, params)
    world.emit("customer.created", customer)
    return customer


@route("GET /v1/customers", "CustomerListParams")
def index(world: World, params: Params) -> StripeObject:
    """Customers, newest first."""
    return page(world, params, "customer", "/v1/customers", email=params.get("email"))


@route("GET /v1/customers/{id}")
def retrieve(world: World, params: Params, id: str) -> StripeObject:
    """One customer; a deleted one answers with its id and ``deleted``."""
    customer = world.get(id)
    if customer is not None and customer.get("deleted"):
        return {"id": id, "object": "customer", "deleted": True}
    return world.at("customer", id)


@route("POST /v1/customers/{id}", "CustomerUpdateParams")
def update(world: World, params: Params, id: str) -> StripeObject:
    """Change a customer."""
    customer = world.at("customer", id)
    customers.apply(world, customer, params)
    world.emit_update("customer.updated", customer)
    return customer


@route("DELETE /v1/customers/{id}")
def delete(world: World, params: Params, id: str) -> StripeObject:
    """Delete for good: subscriptions are cancelled at once, the id stays taken."""
    customer = world.at("customer", id)
    for subscription in world.find("subscription", customer=id):
        if subscription["status"] not in ("canceled", "incomplete_expired"):
            subscription_lifecycle.end(world, subscription)
    world.emit("customer.deleted", customer)
    customer["deleted"] = True
    return {"id": id, "object": "customer", "deleted": True}


@route("POST /v1/customers/{id}/balance_transactions", "CustomerCreateBalanceTransactionParams")
def create_balance_transaction(world: World, params: Params, id: str) -> StripeObject:
    """Adjust the balance by hand."""
    customer = world.at("customer", id)
    transaction = customers.change_balance(world, customer, params["amount"], "adjustment", currency=params["currency"])
    transaction["description"] = params.get("description")
    transaction["metadata"] = merge_metadata({}, params.get("metadata"))
    world.emit_update("customer.updated", customer)
    return transaction


@route("GET /v1/customers/{id}/balance_transactions", "CustomerListBalanceTransactionsParams")
def balance_transactions(world: World, params: Params, id: str) -> StripeObject:
    """The record of the balance, newest first."""
    world.at("customer", id)
    return page(world, params, "customer_balance_transaction", f"/v1/customers/{id}/balance_transactions", customer=id)


@includable("customer", "subscriptions")
def _subscriptions(world: World, customer: StripeObject) -> StripeObject:
    live = [s for s in world.find("subscription", customer=customer["id"]) if s["status"] != "canceled"]
    return sublist(f"/v1/customers/{customer['id']}/subscriptions", live)


@includable("customer", "sources")
def _sources(world: World, customer: StripeObject) -> StripeObject:
    return sublist(f"/v1/customers/{customer['id']}/sources", [])


@includable("customer", "tax_ids")
def _tax_ids(world: World, customer: StripeObject) -> StripeObject:
    return sublist(f"/v1/customers/{customer['id']}/tax_ids", [])


@includable("customer", "tax")
def _tax(world: World, customer: StripeObject) -> StripeObject:
    return {"automatic_tax": "supported", "ip_address": None, "location": None, "provider": "stripe"}
