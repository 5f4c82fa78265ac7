"""Setup intents: saving a payment method without taking money."""

from __future__ import annotations

from typing import Any

from ..errors import CardError, InvalidRequest
from ..ids import client_secret
from ..lists import page
from ..parameters import Params
from ..routes import route
from ..store import Obj
from ..values import merge_metadata, nulls
from ..world import World, public
from . import payment_methods


def make(world: World, **values: Any) -> Obj:
    """A new setup intent with ``setup_intent.created``."""
    intent = world.add(
        "setup_intent",
        **nulls(
            "application automatic_payment_methods cancellation_reason customer customer_account description "
            "flow_directions last_setup_error latest_attempt mandate next_action on_behalf_of payment_method "
            "payment_method_configuration_details single_use_mandate"
        )
        | {
            "client_secret": None,
            "metadata": {},
            "payment_method_options": {
                "card": nulls("mandate_options network") | {"request_three_d_secure": "automatic"}
            },
            "payment_method_types": ["card"],
            "status": "requires_payment_method",
            "usage": "off_session",
        }
        | values,
    )
    intent["client_secret"] = client_secret(intent["id"])
    world.emit("setup_intent.created", intent)
    return intent


def attempt(world: World, intent: Obj, method: Obj, *, authenticated: bool = False) -> str:
    """Try to save the method, and return the intent's new status."""
    card = payment_methods.card_of(method)
    intent["payment_method"] = method["id"]
    if card is not None and card.authentication != "never" and not authenticated:
        intent["status"] = "requires_action"
        intent["next_action"] = {
            "type": "redirect_to_url",
            "redirect_to_url": {
                "return_url": intent.get("_return_url"),
                "url": f"{world.public_url}/authenticate/{intent['id']}",
            },
        }
        world.emit("setup_intent.requires_action", intent)
        return "requires_action"
    customer = world.get(intent["customer"])
    intent["next_action"] = None
    try:
        if customer is not None:
            payment_methods.attach_to(world, method, customer)
        elif card is not None and card.decline and not card.attaches:
            raise payment_methods.decline(card.decline)
    except CardError as error:
        fail(world, intent, method, error)
        return "requires_payment_method"
    method["_set_up"] = True
    intent["status"], intent["last_setup_error"] = "succeeded", None
    world.emit("setup_intent.succeeded", intent)
    return "succeeded"


def fail(world: World, intent: Obj, method: Obj, error: CardError) -> None:
    """Put the intent back to wanting a payment method, and announce the failure."""
    intent["last_setup_error"] = error.body()["error"] | {"payment_method": public(method)}
    intent["status"] = "requires_payment_method"
    intent["payment_method"], intent["next_action"] = None, None
    world.emit("setup_intent.setup_failed", intent)


def authenticate(world: World, intent: Obj, *, succeeds: bool) -> str:
    """The customer passed or failed the bank's check on its page."""
    from . import checkout_payment, subscriptions

    if intent["status"] != "requires_action":
        return str(intent["status"])
    method = world.need("payment_method", intent["payment_method"])
    if not succeeds:
        error = CardError(
            "We are unable to authenticate your payment method. Please choose a different payment method and try "
            "again.",
            code="setup_intent_authentication_failure",
        )
        fail(world, intent, method, error)
        return "requires_payment_method"
    status = attempt(world, intent, method, authenticated=True)
    if status == "succeeded":
        checkout_payment.setup_succeeded(world, intent)
        subscriptions.setup_succeeded(world, intent)
    return status


def _confirm(world: World, intent: Obj, params: Params) -> Obj:
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
    if attempt(world, intent, method) == "requires_payment_method":
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
def create(world: World, params: Params) -> Obj:
    """Create a setup intent, and confirm it at once if asked."""
    if params.get("customer"):
        world.need("customer", params["customer"], "customer")
    method = payment_methods.resolve(world, params["payment_method"]) if params.get("payment_method") else None
    intent = make(
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
def index(world: World, params: Params) -> Obj:
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
def retrieve(world: World, params: Params, id: str) -> Obj:
    """One setup intent."""
    return world.at("setup_intent", id)


@route("POST /v1/setup_intents/{id}/confirm", "SetupIntentConfirmParams")
def confirm(world: World, params: Params, id: str) -> Obj:
    """Try to save the payment method."""
    return _confirm(world, world.at("setup_intent", id), params)


@route("POST /v1/setup_intents/{id}/cancel", "SetupIntentCancelParams")
def cancel(world: World, params: Params, id: str) -> Obj:
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
