"""Payment intents: one wish to be paid, however many attempts it takes. ``flows/payments.py`` has what follows."""

from __future__ import annotations

from typing import Any

from ..errors import CardError, InvalidRequest
from ..ids import client_secret
from ..objects import StripeObject
from ..values import nulls
from ..world import World, public
from . import charges, payment_methods

FINAL = ("succeeded", "canceled")

_MINIMUM = {"usd": 50, "eur": 50, "gbp": 30, "jpy": 50}


def check_amount(amount: int, currency: str, param: str = "amount") -> None:
    """Refuse what Stripe would not charge. Invoices may be smaller."""
    if amount < _MINIMUM.get(currency, 1):
        raise InvalidRequest(
            "Amount must be at least the minimum charge amount of this currency.", code="amount_too_small", param=param
        )
    if amount > 99_999_999:
        raise InvalidRequest("Amount must be no more than $999,999.99", code="amount_too_large", param=param)


def make(world: World, *, amount: int, currency: str, **values: Any) -> StripeObject:
    """A new intent with ``payment_intent.created``. Notes such as ``_session`` and ``_invoice`` say what it is for."""
    intent = world.add(
        "payment_intent",
        **nulls(
            "application application_fee_amount automatic_payment_methods canceled_at cancellation_reason customer "
            "customer_account description last_payment_error latest_charge next_action on_behalf_of payment_method "
            "payment_method_configuration_details processing receipt_email review setup_future_usage shipping source "
            "statement_descriptor statement_descriptor_suffix transfer_data transfer_group"
        )
        | {
            "amount": amount,
            "amount_capturable": 0,
            "amount_details": {"tip": {}},
            "amount_received": 0,
            "capture_method": "automatic_async",
            "client_secret": None,
            "confirmation_method": "automatic",
            "currency": currency,
            "metadata": {},
            "payment_method_options": {"card": {"request_three_d_secure": "automatic"}},
            "payment_method_types": ["card"],
            "status": "requires_payment_method",
        }
        | values,
    )
    intent["payment_method_options"] = {
        "card": nulls("installments mandate_options network") | {"request_three_d_secure": "automatic"}
    }
    intent["client_secret"] = client_secret(intent["id"])
    world.emit("payment_intent.created", intent)
    return intent


def attempt(
    world: World, intent: StripeObject, method: StripeObject, *, off_session: bool = False, authenticated: bool = False
) -> str:
    """Try to take the money with this method, announce what came of it, and return the intent's new status.

    On a decline the status is ``requires_payment_method`` and ``last_payment_error`` says why.
    """
    intent["payment_method"] = method["id"]
    intent["next_action"] = None
    card = payment_methods.card_of(method)
    if card is None:
        return _start_debit(world, intent, method)
    wants_authentication = not authenticated and (
        card.authentication == "always" or (card.authentication == "unless_set_up" and not method["_set_up"])
    )
    if wants_authentication and not off_session:
        intent["status"] = "requires_action"
        intent["next_action"] = {
            "type": "redirect_to_url",
            "redirect_to_url": {
                "return_url": intent.get("_return_url"),
                "url": f"{world.public_url}/authenticate/{intent['id']}",
            },
        }
        intent["_off_session"] = off_session
        world.emit("payment_intent.requires_action", intent)
        return "requires_action"
    reason = "authentication_required" if wants_authentication else card.decline
    if reason:
        return _decline(world, intent, method, reason)
    charge = charges.make(world, intent, method, status="succeeded", authenticated=authenticated)
    if intent["setup_future_usage"]:
        method["_set_up"] = method["_set_up"] or authenticated or card.authentication != "always"
        _save_method(world, intent, method)
    if intent["capture_method"] == "manual":
        intent["status"] = "requires_capture"
        intent["amount_capturable"] = intent["amount"]
        intent["last_payment_error"] = None
        world.emit("charge.succeeded", charge)
        world.emit("payment_intent.amount_capturable_updated", intent)
        return "requires_capture"
    world.emit("charge.succeeded", charge)
    return succeed(world, intent, charge)


def _save_method(world: World, intent: StripeObject, method: StripeObject) -> None:
    customer = world.get(intent["customer"])
    if customer is not None and method["customer"] is None:
        payment_methods.attach(world, method, customer)


def _decline(world: World, intent: StripeObject, method: StripeObject, reason: str) -> str:
    charge = charges.make(world, intent, method, status="failed")
    charges.mark_failed(charge, reason)
    fail(world, intent, method, payment_methods.decline(reason, charge=charge["id"]))
    return str(intent["status"])


def fail(world: World, intent: StripeObject, method: StripeObject, error: CardError) -> None:
    """Put the intent back to wanting a payment method, and announce the failure."""
    shown = error.body()["error"] | {"payment_method": public(method)}
    intent["last_payment_error"] = shown
    intent["status"] = "requires_payment_method"
    intent["payment_method"] = None
    intent["next_action"] = None
    intent["processing"] = None
    if error.extra.get("charge"):
        world.emit("charge.failed", world.need("charge", error.extra["charge"]))
    world.emit("payment_intent.payment_failed", intent)


def succeed(world: World, intent: StripeObject, charge: StripeObject) -> str:
    """The money is here: announce it. What it was for is not told yet; ``flows/payments.py`` does that."""
    intent["status"] = "succeeded"
    intent["amount_received"] = charge["amount_captured"]
    intent["amount_capturable"] = 0
    intent["last_payment_error"] = None
    intent["processing"] = None
    world.emit("payment_intent.succeeded", intent)
    return "succeeded"


def _start_debit(world: World, intent: StripeObject, method: StripeObject) -> str:
    charge = charges.make(world, intent, method, status="pending")
    intent["status"] = "processing"
    intent["processing"] = None
    intent["last_payment_error"] = None
    if intent["setup_future_usage"]:
        method["_set_up"] = True
        _save_method(world, intent, method)
    world.emit("charge.pending", charge)
    world.emit("payment_intent.processing", intent)
    world.schedule("debit.end", intent["id"], world.now + int(world.setting("delayed_payment_seconds")))
    return "processing"


def declined(intent: StripeObject) -> CardError:
    """The answer to a confirmation that the bank refused: the error carries the intent."""
    problem = intent["last_payment_error"]
    return CardError(
        problem["message"],
        code=problem["code"],
        decline_code=problem.get("decline_code"),
        charge=problem.get("charge"),
        payment_intent=public(intent),
        payment_method=problem.get("payment_method"),
    )


def cancel(world: World, intent: StripeObject, reason: str | None) -> StripeObject:
    """Cancel an intent, with ``payment_intent.canceled``."""
    if intent["status"] == "requires_capture":
        charge = world.need("charge", intent["latest_charge"])
        charge["refunded"], charge["amount_refunded"] = True, charge["amount"]
        world.emit_update("charge.refunded", charge)
    intent["status"] = "canceled"
    intent["canceled_at"], intent["cancellation_reason"] = world.now, reason
    intent["amount_capturable"], intent["next_action"] = 0, None
    world.emit("payment_intent.canceled", intent)
    return intent
