"""Payment methods: test cards and a delayed bank debit; attached to a customer or used once."""

from __future__ import annotations

import hashlib
from typing import Any

from .. import cards
from ..errors import CardError, InvalidRequest, no_such
from ..objects import Params, StripeObject
from ..values import address, nulls
from ..world import World


def billing_details(given: Params | None = None) -> StripeObject:
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
) -> StripeObject:
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


def make_bank_debit(world: World, *, details: Params | None = None, account: str = "000123456789") -> StripeObject:
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


def card_of(method: StripeObject) -> cards.Card | None:
    """The test card behind a payment method; None for a bank debit."""
    return cards.BY_NUMBER[method["_number"]] if "_number" in method else None


def resolve(world: World, method_id: str, param: str = "payment_method") -> StripeObject:
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


def attach(world: World, method: StripeObject, customer: StripeObject) -> StripeObject:
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
