"""What a customer does on the hosted checkout page: choosing and paying."""

from __future__ import annotations

from dataclasses import dataclass, field

from .. import cards
from ..errors import CardError, InvalidRequest
from ..objects import StripeObject
from ..resources import checkout_sessions, customers, discounts, payment_intents, payment_methods, setup_intents
from ..values import merge_metadata
from ..world import World
from . import checkout_completion, payments


@dataclass
class Choice:
    """What the customer filled in. Quantities and amounts are by line item id; amounts in minor units."""

    card: str = "4242424242424242"
    email: str | None = None
    name: str | None = None
    quantities: dict[str, int] = field(default_factory=dict)
    amounts: dict[str, int] = field(default_factory=dict)
    promotion_code: str | None = None
    saved_method: str | None = None


@dataclass
class Outcome:
    """``status``: complete, declined, requires_action (then go to ``url``), expired."""

    status: str
    url: str | None = None
    message: str | None = None
    decline_code: str | None = None


def return_url(session: StripeObject) -> str:
    """The success URL with the session's id filled in."""
    return str(session["success_url"] or "").replace("{CHECKOUT_SESSION_ID}", session["id"])


def apply_choice(world: World, session: StripeObject, choice: Choice) -> None:
    """Take over quantities, amounts and the promotion code. Raises ``InvalidRequest`` with a message for the page."""
    for item in list(session["_items"]):
        limits = item["adjustable_quantity"]
        wanted = choice.quantities.get(item["id"], item["quantity"])
        if limits and wanted != item["quantity"]:
            if not limits["minimum"] <= wanted <= limits["maximum"]:
                raise InvalidRequest(f"Choose a quantity from {limits['minimum']} to {limits['maximum']}.")
            if wanted == 0 and len(session["_items"]) > 1:
                session["_items"].remove(item)
                continue
            if wanted == 0:
                raise InvalidRequest("At least one is needed.")
            item["quantity"] = wanted
        custom = world.need("price", item["price"])["custom_unit_amount"]
        if custom:
            amount = choice.amounts.get(item["id"], item["_unit_amount"])
            low, high = custom["minimum"] or 1, custom["maximum"] or 99_999_999
            if not low <= amount <= high:
                raise InvalidRequest("The amount is outside what is allowed here.")
            item["_unit_amount"] = amount
    if choice.promotion_code and session["allow_promotion_codes"]:
        code = discounts.usable_code(world, choice.promotion_code, customer=session["customer"])
        if code is None:
            raise InvalidRequest("This code is invalid.")
        session["_coupon"], session["_code"] = code["promotion"]["coupon"], code["id"]
        session["discounts"] = [{"coupon": session["_coupon"], "promotion_code": code["id"]}]
    checkout_sessions.total_up(world, session)


def pay(world: World, session: StripeObject, choice: Choice) -> Outcome:
    """Press the button. Pressing it again on a completed session changes nothing."""
    if session["status"] == "complete":
        return Outcome("complete", return_url(session))
    if session["status"] == "expired" or session["expires_at"] <= world.now:
        return Outcome("expired")
    if session["_items"]:
        apply_choice(world, session, choice)
    try:
        method = _method(world, session, choice)
        if session["mode"] == "setup" or not session["amount_total"]:
            return _without_payment(world, session, method, choice)
        payment_intents.check_amount(session["amount_total"], session["currency"])
        return _with_payment(world, session, method, choice)
    except CardError as error:
        return Outcome("declined", message=error.message, decline_code=error.extra.get("decline_code"))


def _method(world: World, session: StripeObject, choice: Choice) -> StripeObject:
    customer = world.get(session["customer"])
    if choice.saved_method:
        method = world.need("payment_method", choice.saved_method)
        if method["customer"] is None or method["customer"] != session["customer"]:
            raise InvalidRequest("This card is not saved for this customer.")
        return method
    details = {
        "email": choice.email or session["customer_email"] or (customer and customer["email"]),
        "name": choice.name or (customer and customer["name"]),
    }
    number = choice.card.replace(" ", "")
    if number in (cards.DELAYED, cards.DELAYED_FAILS):
        if "us_bank_account" not in session["payment_method_types"]:
            raise InvalidRequest("This session takes cards only.")
        account = cards.DELAYED_FAILS if number == cards.DELAYED_FAILS else "000123456789"
        return payment_methods.make_bank_debit(world, details=details, account=account)
    card = cards.BY_NUMBER.get(number) or cards.BY_TOKEN.get(number)
    if card is None:
        raise payment_methods.unknown_number()
    return payment_methods.make_card(world, card, details=details)


def _customer(world: World, session: StripeObject, choice: Choice, *, required: bool) -> None:
    email = choice.email or session["customer_email"] or "customer@example.com"
    if session["customer"] is None and (required or session["customer_creation"] == "always"):
        customer = customers.blank(world)
        customer["email"], customer["name"] = email, choice.name
        world.emit("customer.created", customer)
        session["customer"] = customer["id"]
    known = world.get(session["customer"])
    if known is not None and session["mode"] != "setup" and known["currency"] is None:
        known["currency"] = session["currency"]
        world.emit_update("customer.updated", known)
    session["customer_details"] = {
        "address": {"city": None, "country": "US", "line1": None, "line2": None, "postal_code": "94107", "state": None},
        "business_name": None,
        "email": (known and known["email"]) or email,
        "individual_name": None,
        "name": choice.name or (known and known["name"]) or None,
        "phone": None,
        "tax_exempt": "none",
        "tax_ids": [],
    }


def _with_payment(world: World, session: StripeObject, method: StripeObject, choice: Choice) -> Outcome:
    data = session["_payment_intent_data"]
    subscribes = session["mode"] == "subscription"
    saves = "off_session" if subscribes else data.get("setup_future_usage")
    invoiced = bool((session["invoice_creation"] or {}).get("enabled"))
    _customer(world, session, choice, required=bool(subscribes or saves or invoiced))
    intent = world.get(session["_intent"])
    if intent is None or intent["status"] == "canceled":
        intent = payment_intents.make(
            world,
            amount=session["amount_total"],
            currency=session["currency"],
            capture_method=data.get("capture_method", "automatic_async"),
            customer=session["customer"],
            description=data.get("description") or ("Subscription creation" if subscribes else None),
            metadata=merge_metadata({}, data.get("metadata")),
            payment_method_types=session["payment_method_types"],
            receipt_email=data.get("receipt_email"),
            setup_future_usage=saves,
            statement_descriptor_suffix=data.get("statement_descriptor_suffix"),
            _session=session["id"],
        )
        session["_intent"] = intent["id"]
    elif intent["status"] == "requires_payment_method":
        intent["amount"], intent["customer"] = session["amount_total"], session["customer"]
    elif intent["status"] == "requires_action":
        _give_up_authentication(world, intent)
        intent["amount"] = session["amount_total"]
    intent["_return_url"] = return_url(session)
    status = payments.attempt(world, intent, method)
    if status == "requires_action":
        return Outcome("requires_action", intent["next_action"]["redirect_to_url"]["url"])
    if status == "requires_payment_method":
        problem = intent["last_payment_error"]
        return Outcome("declined", message=problem["message"], decline_code=problem.get("decline_code"))
    if status == "processing" or status == "requires_capture":
        checkout_completion.complete(world, session, intent, paid=False)
    return Outcome("complete", return_url(session))


def _give_up_authentication(world: World, intent: StripeObject) -> None:
    """The customer left the bank's page and tries again: the unfinished authentication is given up."""
    intent["status"], intent["next_action"], intent["payment_method"] = "requires_payment_method", None, None


def _without_payment(world: World, session: StripeObject, method: StripeObject, choice: Choice) -> Outcome:
    """Setup mode, a trial, or nothing to pay: the card is saved, no money moves."""
    wants_card = session["mode"] != "payment" and session["payment_method_collection"] != "if_required"
    _customer(world, session, choice, required=session["mode"] != "payment")
    if session["mode"] == "setup" or wants_card:
        data = session["_setup_intent_data"]
        intent = world.get(session["_intent"]) or setup_intents.make(
            world,
            customer=session["customer"],
            description=data.get("description"),
            metadata=merge_metadata({}, data.get("metadata")),
            _session=session["id"],
        )
        intent["_return_url"] = return_url(session)
        session["_intent"] = intent["id"]
        status = setup_intents.attempt(world, intent, method)
        if status == "requires_action":
            return Outcome("requires_action", intent["next_action"]["redirect_to_url"]["url"])
        if status == "requires_payment_method":
            problem = intent["last_setup_error"]
            return Outcome("declined", message=problem["message"], decline_code=problem.get("decline_code"))
        checkout_completion.setup_succeeded(world, intent)
    else:
        checkout_completion.complete(world, session, None, paid=True)
    return Outcome("complete", return_url(session))
