"""Taking money, and what follows: for the invoice or the checkout session that the intent is to pay."""

from __future__ import annotations

from .. import cards
from ..clock import when
from ..errors import CardError, InvalidRequest
from ..objects import StripeObject
from ..resources import charges, disputes, invoices, payment_intents, payment_methods, setup_intents
from ..world import World
from . import checkout_completion, subscription_lifecycle


def attempt(
    world: World,
    intent: StripeObject,
    method: StripeObject,
    *,
    off_session: bool = False,
    authenticated: bool = False,
) -> str:
    """Try to take the money with this method, and do what follows when it came. Returns the intent's new status.

    On a decline the status is ``requires_payment_method`` and ``last_payment_error`` says why; what follows from
    that is for the caller to say, who knows whether it counts as an attempt at an invoice.
    """
    status = payment_intents.attempt(world, intent, method, off_session=off_session, authenticated=authenticated)
    if status == "succeeded":
        _follow_success(world, intent)
    return status


def capture(world: World, intent: StripeObject, amount: int) -> None:
    """Take so much of authorised money; the rest is released."""
    charge = world.need("charge", intent["latest_charge"])
    charge["captured"], charge["amount_captured"] = True, amount
    charge["amount_refunded"] = charge["amount"] - amount
    charges.book(world, charge)
    world.emit("charge.captured", charge)
    payment_intents.succeed(world, intent, charge)
    _follow_success(world, intent)


def _follow_success(world: World, intent: StripeObject) -> None:
    """The money of an intent has come: its invoice or session is paid, and some test cards dispute it at once."""
    _pay_invoice(world, intent)
    checkout_completion.intent_succeeded(world, intent)
    charge = world.need("charge", intent["latest_charge"])
    card = charges.card_behind(world, charge)
    if card is not None and card.dispute:
        disputes.make(world, charge, reason=card.dispute, inquiry=card.inquiry)


# Delayed debits


@when("debit.end")
def _debit_falls_due(world: World, intent_id: str) -> None:
    intent = world.get(intent_id)
    outcome = world.setting("delayed_payment_outcome")
    if intent is None or intent["status"] != "processing" or outcome == "wait":
        return
    method = world.get(intent["payment_method"]) or {}
    end_debit(world, intent, succeeds=outcome == "succeed" and method.get("_account") != cards.DELAYED_FAILS)


def end_debit(world: World, intent: StripeObject, *, succeeds: bool) -> None:
    """A delayed payment ends. Raises ``InvalidRequest`` when none is under way."""
    if intent["status"] != "processing":
        raise InvalidRequest("There is no delayed payment under way here.")
    world.unschedule(intent["id"], "debit.end")
    charge = world.need("charge", intent["latest_charge"])
    if succeeds:
        charge["status"], charge["amount_captured"] = "succeeded", charge["amount"]
        charge["receipt_url"] = f"{world.public_url}/receipts/{charge['id']}"
        charges.book(world, charge)
        world.emit("charge.succeeded", charge)
        payment_intents.succeed(world, intent, charge)
        _follow_success(world, intent)
        return
    charge["status"], charge["paid"], charge["captured"] = "failed", False, False
    charges.mark_failed(charge, "insufficient_funds")
    method = world.need("payment_method", charge["payment_method"])
    payment_intents.fail(world, intent, method, payment_methods.decline("insufficient_funds", charge=charge["id"]))
    invoice_failed(world, intent)
    checkout_completion.intent_failed(world, intent)


# Authentication


def authenticate(world: World, intent: StripeObject, *, succeeds: bool) -> str:
    """The customer passed or failed the bank's check for a payment intent or a setup intent. Returns its new status."""
    kind = _authenticate_payment if intent["object"] == "payment_intent" else _authenticate_setup
    return kind(world, intent, succeeds=succeeds)


def _authenticate_payment(world: World, intent: StripeObject, *, succeeds: bool) -> str:
    if intent["status"] != "requires_action":
        return str(intent["status"])
    method = world.need("payment_method", intent["payment_method"])
    if succeeds:
        status = attempt(world, intent, method, authenticated=True)
    else:
        error = CardError(
            "We are unable to authenticate your payment method. Please choose a different payment method and try "
            "again.",
            code="payment_intent_authentication_failure",
        )
        payment_intents.fail(world, intent, method, error)
        status = "requires_payment_method"
    if status == "requires_payment_method":
        invoice_failed(world, intent)
    return status


def _authenticate_setup(world: World, intent: StripeObject, *, succeeds: bool) -> str:
    if intent["status"] != "requires_action":
        return str(intent["status"])
    method = world.need("payment_method", intent["payment_method"])
    if not succeeds:
        error = CardError(
            "We are unable to authenticate your payment method. Please choose a different payment method and try "
            "again.",
            code="setup_intent_authentication_failure",
        )
        setup_intents.fail(world, intent, method, error)
        return "requires_payment_method"
    status = setup_intents.attempt(world, intent, method, authenticated=True)
    if status == "succeeded":
        checkout_completion.setup_succeeded(world, intent)
        subscription_lifecycle.setup_succeeded(world, intent)
    return status


# Invoices


def _pay_invoice(world: World, intent: StripeObject) -> None:
    """An intent that pays an invoice has succeeded."""
    invoice = world.get(intent.get("_invoice"))
    if invoice is None or invoice["status"] not in ("open", "uncollectible"):
        return
    invoice["attempt_count"] += 1
    invoices.settle(world, invoice)
    subscription_lifecycle.invoice_paid(world, invoice)


def invoice_failed(world: World, intent: StripeObject, *, automatic: bool = False) -> None:
    """An intent that should have paid an invoice has failed.

    Any attempt counts as the first; after that only automatic ones do, and only they move the schedule of retries.
    """
    invoice = world.get(intent.get("_invoice"))
    if invoice is None or invoice["status"] != "open":
        return
    if automatic or not invoice["attempt_count"]:
        invoice["attempt_count"] += 1
    invoice["attempted"] = True
    subscription_lifecycle.invoice_failed(world, invoice, automatic=automatic)
    world.emit_update("invoice.updated", invoice)
    world.emit("invoice.payment_failed", invoice)
