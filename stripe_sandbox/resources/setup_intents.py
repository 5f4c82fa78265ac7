"""Setup intents: saving a payment method without taking money."""

from __future__ import annotations

from typing import Any

from ..errors import CardError
from ..ids import client_secret
from ..objects import StripeObject
from ..values import nulls
from ..world import World, public
from . import payment_methods


def make(world: World, **values: Any) -> StripeObject:
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


def attempt(world: World, intent: StripeObject, method: StripeObject, *, authenticated: bool = False) -> str:
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
            payment_methods.attach(world, method, customer)
        elif card is not None and card.decline and not card.attaches:
            raise payment_methods.decline(card.decline)
    except CardError as error:
        fail(world, intent, method, error)
        return "requires_payment_method"
    method["_set_up"] = True
    intent["status"], intent["last_setup_error"] = "succeeded", None
    world.emit("setup_intent.succeeded", intent)
    return "succeeded"


def fail(world: World, intent: StripeObject, method: StripeObject, error: CardError) -> None:
    """Put the intent back to wanting a payment method, and announce the failure."""
    intent["last_setup_error"] = error.body()["error"] | {"payment_method": public(method)}
    intent["status"] = "requires_payment_method"
    intent["payment_method"], intent["next_action"] = None, None
    world.emit("setup_intent.setup_failed", intent)
