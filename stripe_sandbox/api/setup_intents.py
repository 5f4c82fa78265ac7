"""Requests about setup intents."""

from __future__ import annotations

from ..errors import CardError, InvalidRequest
from ..objects import Params, StripeObject
from ..pagination import page
from ..resources import payment_methods, setup_intents
from ..routes import route
from ..values import merge_metadata
from ..world import World, public


def _confirm(world: World, intent: StripeObject, params: Params) -> StripeObject:
    if intent["status"] in ("succeeded", "canceled"):
        raise InvalidRequest(
            f"You cannot confirm this SetupIntent because it has already {intent['status']}.",
            code="setup_intent_unexpected_state",
        )
    if params.get("payment_method"):
        intent["payment_method"] = payment_methods.resolve(world, params["payment_method"])["id"]
    if not intent["payment_method"]:
        raise InvalidRequest(
            "You cannot confirm this SetupIntent because it's missing a payment method.",
            code="setup_intent_unexpected_state",
        )
    intent["_return_url"] = params.get("return_url")
    method = world.need("payment_method", intent["payment_method"], "payment_method")
    if setup_intents.attempt(world, intent, method) == "requires_payment_method":
        problem = intent["last_setup_error"]
        raise CardError(
            problem["message"],
            code=problem["code"],
            decline_code=problem.get("decline_code"),
            setup_intent=public(intent),
            payment_method=problem["payment_method"],
        )
    return intent


@route("POST /v1/setup_intents", "SetupIntentCreateParams")
def create(world: World, params: Params) -> StripeObject:
    """Create a setup intent, and confirm it at once if asked."""
    if params.get("customer"):
        world.need("customer", params["customer"], "customer")
    method = payment_methods.resolve(world, params["payment_method"]) if params.get("payment_method") else None
    intent = setup_intents.make(
        world,
        customer=params.get("customer"),
        description=params.get("description"),
        metadata=merge_metadata({}, params.get("metadata")),
        payment_method=method and method["id"],
        payment_method_types=params.get("payment_method_types") or ["card"],
        status="requires_confirmation" if method else "requires_payment_method",
        usage=params.get("usage", "off_session"),
    )
    return _confirm(world, intent, params) if params.get("confirm") else intent


@route("GET /v1/setup_intents", "SetupIntentListParams")
def index(world: World, params: Params) -> StripeObject:
    """Setup intents, newest first."""
    return page(
        world,
        params,
        "setup_intent",
        "/v1/setup_intents",
        customer=params.get("customer"),
        payment_method=params.get("payment_method"),
    )


@route("GET /v1/setup_intents/{id}", "SetupIntentRetrieveParams")
def retrieve(world: World, params: Params, id: str) -> StripeObject:
    """One setup intent."""
    return world.at("setup_intent", id)


@route("POST /v1/setup_intents/{id}/confirm", "SetupIntentConfirmParams")
def confirm(world: World, params: Params, id: str) -> StripeObject:
    """Try to save the payment method."""
    return _confirm(world, world.at("setup_intent", id), params)


@route("POST /v1/setup_intents/{id}/cancel", "SetupIntentCancelParams")
def cancel(world: World, params: Params, id: str) -> StripeObject:
    """Give up on a setup intent."""
    intent = world.at("setup_intent", id)
    if intent["status"] in ("succeeded", "canceled"):
        raise InvalidRequest(
            f"You cannot cancel this SetupIntent because it has a status of {intent['status']}.",
            code="setup_intent_unexpected_state",
        )
    intent["status"], intent["cancellation_reason"] = "canceled", params.get("cancellation_reason")
    world.emit("setup_intent.canceled", intent)
    return intent
