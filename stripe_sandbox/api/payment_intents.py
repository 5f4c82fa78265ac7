"""Requests about payment intents."""

from __future__ import annotations

from ..errors import InvalidRequest
from ..flows import payments
from ..objects import Params, StripeObject
from ..pagination import page
from ..parameters import refuse
from ..resources import payment_intents, payment_methods
from ..routes import route
from ..values import check_currency, merge_metadata
from ..world import World, public


def _check_method(method: StripeObject, customer: str | None) -> None:
    if method["customer"] is not None and method["customer"] != customer:
        raise InvalidRequest(
            f"The provided PaymentMethod ({method['id']}) belongs to another customer, or the customer was not given.",
            param="payment_method",
        )


def _confirm(world: World, intent: StripeObject, params: Params) -> StripeObject:
    if intent["status"] in payment_intents.FINAL or intent["status"] in ("processing", "requires_capture"):
        raise InvalidRequest(
            f"You cannot confirm this PaymentIntent because it has a status of {intent['status']}.",
            code="payment_intent_unexpected_state",
            payment_intent=public(intent),
        )
    if params.get("payment_method"):
        intent["payment_method"] = payment_methods.resolve(world, params["payment_method"])["id"]
    if not intent["payment_method"]:
        raise InvalidRequest(
            "You cannot confirm this PaymentIntent because it's missing a payment method.",
            code="payment_intent_unexpected_state",
            payment_intent=public(intent),
        )
    method = world.need("payment_method", intent["payment_method"], "payment_method")
    _check_method(method, intent["customer"])
    intent["_return_url"] = params.get("return_url")
    off_session = params.get("off_session") not in (None, False, "false")
    status = payments.attempt(world, intent, method, off_session=off_session)
    if status == "requires_action" and params.get("error_on_requires_action"):
        payment_intents.fail(world, intent, method, payment_methods.decline("authentication_required"))
        status = "requires_payment_method"
    if status == "requires_payment_method":
        raise payment_intents.declined(intent)
    return intent


@route("POST /v1/payment_intents", "PaymentIntentCreateParams")
def create(world: World, params: Params) -> StripeObject:
    """Create an intent, and confirm it at once if asked."""
    refuse(params, "application_fee_amount", "transfer_data", "payment_method_data", "mandate_data")
    if params.get("off_session") and not params.get("confirm"):
        raise InvalidRequest("off_session can only be used with confirm=true.", param="off_session")
    if params.get("customer"):
        world.need("customer", params["customer"], "customer")
    method = payment_methods.resolve(world, params["payment_method"]) if params.get("payment_method") else None
    if method is not None:
        _check_method(method, params.get("customer"))
    currency = check_currency(params["currency"])
    payment_intents.check_amount(params["amount"], currency)
    automatic = params.get("automatic_payment_methods") or (
        None if params.get("payment_method_types") else {"enabled": True}
    )
    intent = payment_intents.make(
        world,
        amount=params["amount"],
        currency=currency,
        automatic_payment_methods=automatic and {"allow_redirects": "always"} | automatic,
        capture_method=params.get("capture_method", "automatic_async"),
        confirmation_method=params.get("confirmation_method", "automatic"),
        customer=params.get("customer"),
        description=params.get("description"),
        metadata=merge_metadata({}, params.get("metadata")),
        payment_method=method and method["id"],
        payment_method_types=params.get("payment_method_types") or ["card", "us_bank_account"],
        receipt_email=params.get("receipt_email") or None,
        setup_future_usage=params.get("setup_future_usage"),
        statement_descriptor_suffix=params.get("statement_descriptor_suffix"),
        status="requires_confirmation" if method else "requires_payment_method",
    )
    return _confirm(world, intent, params) if params.get("confirm") else intent


@route("GET /v1/payment_intents", "PaymentIntentListParams")
def index(world: World, params: Params) -> StripeObject:
    """Intents, newest first."""
    return page(world, params, "payment_intent", "/v1/payment_intents", customer=params.get("customer"))


@route("GET /v1/payment_intents/{id}", "PaymentIntentRetrieveParams")
def retrieve(world: World, params: Params, id: str) -> StripeObject:
    """One intent."""
    return world.at("payment_intent", id)


@route("POST /v1/payment_intents/{id}", "PaymentIntentUpdateParams")
def update(world: World, params: Params, id: str) -> StripeObject:
    """Change an intent that is not finished."""
    intent = world.at("payment_intent", id)
    if intent["status"] in payment_intents.FINAL and set(params) - {"metadata", "description"}:
        raise InvalidRequest(
            f"This PaymentIntent's parameters could not be updated because it has a status of {intent['status']}.",
            code="payment_intent_unexpected_state",
        )
    for name in ("amount", "currency", "customer", "description", "receipt_email", "setup_future_usage"):
        if name in params:
            intent[name] = params[name] or None
    if "metadata" in params:
        intent["metadata"] = merge_metadata(intent["metadata"], params["metadata"])
    if params.get("payment_method"):
        intent["payment_method"] = payment_methods.resolve(world, params["payment_method"])["id"]
        intent["status"] = "requires_confirmation"
    return intent


@route("POST /v1/payment_intents/{id}/confirm", "PaymentIntentConfirmParams")
def confirm(world: World, params: Params, id: str) -> StripeObject:
    """Try to take the money."""
    return _confirm(world, world.at("payment_intent", id), params)


@route("POST /v1/payment_intents/{id}/capture", "PaymentIntentCaptureParams")
def capture(world: World, params: Params, id: str) -> StripeObject:
    """Take authorised money, all of it or less."""
    intent = world.at("payment_intent", id)
    if intent["status"] != "requires_capture":
        raise InvalidRequest(
            f"This PaymentIntent could not be captured because it has a status of {intent['status']}.",
            code="payment_intent_unexpected_state",
            payment_intent=public(intent),
        )
    amount: int = params["amount_to_capture"] if "amount_to_capture" in params else intent["amount_capturable"]
    if not 0 < amount <= intent["amount_capturable"]:
        raise InvalidRequest("The amount to capture is greater than what can be captured.", param="amount_to_capture")
    payments.capture(world, intent, amount)
    return intent


@route("POST /v1/payment_intents/{id}/cancel", "PaymentIntentCancelParams")
def cancel(world: World, params: Params, id: str) -> StripeObject:
    """Give up on an intent; an authorisation is released."""
    intent = world.at("payment_intent", id)
    if intent["status"] in (*payment_intents.FINAL, "processing"):
        raise InvalidRequest(
            f"You cannot cancel this PaymentIntent because it has a status of {intent['status']}.",
            code="payment_intent_unexpected_state",
            payment_intent=public(intent),
        )
    return payment_intents.cancel(world, intent, params.get("cancellation_reason"))
