"""Requests about payment methods."""

from __future__ import annotations

from .. import cards
from ..errors import CardError, InvalidRequest, no_such
from ..objects import Params, StripeObject
from ..pagination import page
from ..resources import payment_methods
from ..routes import route
from ..values import merge_metadata
from ..world import World


@route("POST /v1/payment_methods", "PaymentMethodCreateParams")
def create(world: World, params: Params) -> StripeObject:
    """Create a payment method from a card number or a bank account."""
    kind = params.get("type")
    if kind == "us_bank_account":
        bank = params.get("us_bank_account") or {}
        method = payment_methods.make_bank_debit(
            world, details=params.get("billing_details"), account=bank.get("account_number", "000123456789")
        )
    elif kind == "card":
        given = params.get("card") or {}
        token = given.get("token", "").replace("tok_", "pm_card_")
        card = cards.BY_TOKEN.get(token) or cards.BY_NUMBER.get(str(given.get("number", "")).replace(" ", ""))
        if card is None:
            raise CardError("Your card number is incorrect.", code="incorrect_number", param="card[number]")
        method = payment_methods.make_card(
            world,
            card,
            details=params.get("billing_details"),
            exp_month=given.get("exp_month", 12),
            exp_year=given.get("exp_year", 2034),
        )
    else:
        raise InvalidRequest("The sandbox knows the payment method types card and us_bank_account.", param="type")
    method["metadata"] = merge_metadata({}, params.get("metadata"))
    return method


@route("GET /v1/payment_methods", "PaymentMethodListParams")
def index(world: World, params: Params) -> StripeObject:
    """The payment methods of a customer."""
    return _list(world, params, params.get("customer"), "/v1/payment_methods")


@route("GET /v1/customers/{customer}/payment_methods", "CustomerListPaymentMethodsParams")
def of_customer(world: World, params: Params, customer: str) -> StripeObject:
    """The payment methods of a customer."""
    world.at("customer", customer)
    return _list(world, params, customer, f"/v1/customers/{customer}/payment_methods")


def _list(world: World, params: Params, customer: str | None, url: str) -> StripeObject:
    return page(
        world,
        params,
        "payment_method",
        url,
        keep=lambda method: method["customer"] is not None,
        customer=customer,
        type=params.get("type"),
        allow_redisplay=params.get("allow_redisplay"),
    )


@route("GET /v1/customers/{customer}/payment_methods/{id}")
def retrieve_of_customer(world: World, params: Params, customer: str, id: str) -> StripeObject:
    """One payment method of a customer."""
    method = world.at("payment_method", id)
    if method["customer"] != customer:
        raise no_such("PaymentMethod", id, "payment_method", in_path=True)
    return method


@route("GET /v1/payment_methods/{id}")
def retrieve(world: World, params: Params, id: str) -> StripeObject:
    """One payment method."""
    return world.at("payment_method", id)


@route("POST /v1/payment_methods/{id}", "PaymentMethodUpdateParams")
def update(world: World, params: Params, id: str) -> StripeObject:
    """Change billing details, expiry, metadata or ``allow_redisplay``."""
    method = world.at("payment_method", id)
    if "metadata" in params:
        method["metadata"] = merge_metadata(method["metadata"], params["metadata"])
    if "billing_details" in params:
        method["billing_details"] |= {
            k: v for k, v in payment_methods.billing_details(params["billing_details"]).items() if v
        }
    if "allow_redisplay" in params:
        method["allow_redisplay"] = params["allow_redisplay"]
    method.get("card", {}).update(
        {name: value for name, value in (params.get("card") or {}).items() if name in ("exp_month", "exp_year")}
    )
    world.emit_update("payment_method.updated", method)
    return method


@route("POST /v1/payment_methods/{id}/attach", "PaymentMethodAttachParams")
def attach(world: World, params: Params, id: str) -> StripeObject:
    """Save a payment method for a customer."""
    customer = world.need("customer", params.get("customer"), "customer")
    return payment_methods.attach(world, payment_methods.resolve(world, id), customer)


@route("POST /v1/payment_methods/{id}/detach", "PaymentMethodDetachParams")
def detach(world: World, params: Params, id: str) -> StripeObject:
    """Take a payment method away from its customer for good."""
    method = world.at("payment_method", id)
    if method["customer"] is None:
        raise InvalidRequest(
            "The payment method you provided is not attached to a customer so detachment is impossible."
        )
    customer = world.get(method["customer"])
    if customer and customer["invoice_settings"]["default_payment_method"] == id:
        customer["invoice_settings"]["default_payment_method"] = None
        world.emit_update("customer.updated", customer)
    method["customer"], method["_detached"] = None, True
    world.emit_update("payment_method.detached", method)
    return method
