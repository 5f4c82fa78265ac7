"""Payment methods: test cards and a delayed bank debit; attached to a customer or used once."""

from __future__ import annotations

import hashlib
from typing import Any

from .. import cards
from ..errors import CardError, InvalidRequest, no_such
from ..lists import page
from ..parameters import Params
from ..routes import route
from ..store import Obj
from ..values import address, merge_metadata, nulls
from ..world import World


def billing_details(given: Params | None = None) -> Obj:
    """Billing details with every part present."""
    given = given or {}
    return {
        "address": address(given.get("address")) or address({"city": None}),
        "email": given.get("email") or None,
        "name": given.get("name") or None,
        "phone": given.get("phone") or None,
        "tax_id": None,
    }


def make_card(
    world: World, card: cards.Card, *, details: Params | None = None, exp_month: int = 12, exp_year: int = 2034
) -> Obj:
    """A payment method of a test card, attached to nobody."""
    fingerprint = hashlib.sha256(card.number.encode()).hexdigest()[:16]
    return world.add(
        "payment_method",
        allow_redisplay="unspecified",
        billing_details=billing_details(details),
        card=nulls("generated_from regulated_status wallet")
        | {
            "brand": card.brand,
            "checks": {"address_line1_check": None, "address_postal_code_check": None, "cvc_check": "pass"},
            "country": "US",
            "display_brand": card.brand,
            "exp_month": exp_month,
            "exp_year": exp_year,
            "fingerprint": fingerprint,
            "funding": card.funding,
            "last4": card.last4,
            "networks": {"available": [card.brand], "preferred": None},
            "three_d_secure_usage": {"supported": True},
        },
        customer=None,
        customer_account=None,
        metadata={},
        type="card",
        _number=card.number,
        _set_up=False,
    )


def make_bank_debit(world: World, *, details: Params | None = None, account: str = "000123456789") -> Obj:
    """A bank account whose debits take days to succeed, or to fail."""
    return world.add(
        "payment_method",
        allow_redisplay="unspecified",
        billing_details=billing_details(details),
        customer=None,
        customer_account=None,
        metadata={},
        type="us_bank_account",
        us_bank_account=nulls("financial_connections_account status_details")
        | {
            "account_holder_type": "company",
            "account_type": "checking",
            "bank_name": "STRIPE TEST BANK",
            "fingerprint": hashlib.sha256(account.encode()).hexdigest()[:16],
            "last4": account[-4:],
            "networks": {"preferred": "ach", "supported": ["ach"]},
            "routing_number": "110000000",
        },
        _account=account,
        _set_up=False,
    )


def card_of(method: Obj) -> cards.Card | None:
    """The test card behind a payment method; None for a bank debit."""
    return cards.BY_NUMBER[method["_number"]] if "_number" in method else None


def resolve(world: World, method_id: str, param: str = "payment_method") -> Obj:
    """A stored payment method, or a new one for a test token such as ``pm_card_visa``."""
    if method_id in cards.BY_TOKEN:
        return make_card(world, cards.BY_TOKEN[method_id])
    if method_id in cards.DELAYED_TOKENS:
        return make_bank_debit(world, account=cards.DELAYED_TOKENS[method_id])
    found = world.get(method_id)
    if found is None or found["object"] != "payment_method":
        raise no_such("PaymentMethod", method_id, param, in_path=False)
    return found


def decline(card_decline: str, **extra: Any) -> CardError:
    """The card error for a decline code."""
    code, message = cards.DECLINES[card_decline]
    return CardError(message, code=code, decline_code=card_decline, **extra)


def unknown_number() -> CardError:
    """The answer to a card number that is not one of the test cards."""
    return CardError(
        "Your card number is not one of the test cards. Use 4242 4242 4242 4242.",
        code="incorrect_number",
        decline_code="incorrect_number",
    )


def attach_to(world: World, method: Obj, customer: Obj) -> Obj:
    """Save the method for the customer, with ``payment_method.attached``; a declined card cannot be saved."""
    if method["customer"] == customer["id"]:
        return method
    if method["customer"] is not None or method.get("_detached"):
        raise InvalidRequest(
            "The payment method you provided has already been attached to a customer."
            if method["customer"]
            else "This PaymentMethod was previously used without being attached to a Customer or was detached from a "
            "Customer, and may not be used again.",
            code="payment_method_unexpected_state",
        )
    card = card_of(method)
    if card is not None and card.decline and not card.attaches:
        raise decline(card.decline)
    method["customer"] = customer["id"]
    world.emit("payment_method.attached", method)
    return method


@route("POST /v1/payment_methods", "PaymentMethodCreateParams")
def create(world: World, params: Params) -> Obj:
    """Create a payment method from a card number or a bank account."""
    kind = params.get("type")
    if kind == "us_bank_account":
        bank = params.get("us_bank_account") or {}
        method = make_bank_debit(
            world, details=params.get("billing_details"), account=bank.get("account_number", "000123456789")
        )
    elif kind == "card":
        given = params.get("card") or {}
        token = given.get("token", "").replace("tok_", "pm_card_")
        card = cards.BY_TOKEN.get(token) or cards.BY_NUMBER.get(str(given.get("number", "")).replace(" ", ""))
        if card is None:
            raise CardError("Your card number is incorrect.", code="incorrect_number", param="card[number]")
        method = make_card(
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
def index(world: World, params: Params) -> Obj:
    """The payment methods of a customer."""
    return _list(world, params, params.get("customer"), "/v1/payment_methods")


@route("GET /v1/customers/{customer}/payment_methods", "CustomerListPaymentMethodsParams")
def of_customer(world: World, params: Params, customer: str) -> Obj:
    """The payment methods of a customer."""
    world.at("customer", customer)
    return _list(world, params, customer, f"/v1/customers/{customer}/payment_methods")


def _list(world: World, params: Params, customer: str | None, url: str) -> Obj:
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
def retrieve_of_customer(world: World, params: Params, customer: str, id: str) -> Obj:
    """One payment method of a customer."""
    method = world.at("payment_method", id)
    if method["customer"] != customer:
        raise no_such("PaymentMethod", id, "payment_method", in_path=True)
    return method


@route("GET /v1/payment_methods/{id}")
def retrieve(world: World, params: Params, id: str) -> Obj:
    """One payment method."""
    return world.at("payment_method", id)


@route("POST /v1/payment_methods/{id}", "PaymentMethodUpdateParams")
def update(world: World, params: Params, id: str) -> Obj:
    """Change billing details, expiry, metadata or ``allow_redisplay``."""
    method = world.at("payment_method", id)
    if "metadata" in params:
        method["metadata"] = merge_metadata(method["metadata"], params["metadata"])
    if "billing_details" in params:
        method["billing_details"] |= {k: v for k, v in billing_details(params["billing_details"]).items() if v}
    if "allow_redisplay" in params:
        method["allow_redisplay"] = params["allow_redisplay"]
    method.get("card", {}).update(
        {name: value for name, value in (params.get("card") or {}).items() if name in ("exp_month", "exp_year")}
    )
    world.emit_update("payment_method.updated", method)
    return method


@route("POST /v1/payment_methods/{id}/attach", "PaymentMethodAttachParams")
def attach(world: World, params: Params, id: str) -> Obj:
    """Save a payment method for a customer."""
    customer = world.need("customer", params.get("customer"), "customer")
    return attach_to(world, resolve(world, id), customer)


@route("POST /v1/payment_methods/{id}/detach", "PaymentMethodDetachParams")
def detach(world: World, params: Params, id: str) -> Obj:
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
