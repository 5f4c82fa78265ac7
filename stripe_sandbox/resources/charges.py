"""Charges: one attempt to take money."""

from __future__ import annotations

from decimal import Decimal

from .. import cards
from ..objects import StripeObject
from ..values import nulls, round_half_up
from ..world import World
from . import balance_transactions, payment_methods


def processing_fee(amount: int) -> int:
    """2.9 % and 30 minor units, as in Stripe's examples."""
    return round_half_up(Decimal(amount) * Decimal("0.029")) + 30


def _details(method: StripeObject, *, authenticated: bool) -> StripeObject:
    if method["type"] == "us_bank_account":
        bank = method["us_bank_account"]
        names = ("account_holder_type", "account_type", "bank_name", "fingerprint", "last4", "routing_number")
        return {
            "type": "us_bank_account",
            "us_bank_account": {name: bank[name] for name in names}
            | nulls("expected_debit_date mandate payment_reference"),
        }
    card = method["card"]
    shown = ("brand", "checks", "country", "exp_month", "exp_year", "fingerprint", "funding", "last4")
    return {
        "type": "card",
        "card": {name: card[name] for name in shown}
        | nulls("amount_authorized authorization_code installments mandate network_token network_transaction_id wallet")
        | {
            "extended_authorization": {"status": "disabled"},
            "incremental_authorization": {"status": "unavailable"},
            "multicapture": {"status": "unavailable"},
            "network": card["brand"],
            "overcapture": {"maximum_amount_capturable": 0, "status": "unavailable"},
            "three_d_secure": _three_d_secure() if authenticated else None,
        },
    }


def _three_d_secure() -> StripeObject:
    return nulls("electronic_commerce_indicator exemption_indicator exemption_indicator_applied result_reason") | {
        "authentication_flow": "challenge",
        "result": "authenticated",
        "transaction_id": None,
        "version": "2.2.0",
    }


def make(
    world: World, intent: StripeObject, method: StripeObject, *, status: str, authenticated: bool = False
) -> StripeObject:
    """A charge for one attempt at an intent, not yet announced. ``status``: succeeded, pending or failed."""
    captured = status == "succeeded" and intent["capture_method"] != "manual"
    charge = world.add(
        "charge",
        **nulls(
            "application application_fee application_fee_amount balance_transaction customer "
            "failure_balance_transaction failure_code failure_message on_behalf_of receipt_number review shipping "
            "source source_transfer statement_descriptor_suffix transfer_data transfer_group"
        )
        | {
            "amount": intent["amount"],
            "amount_captured": intent["amount"] if captured else 0,
            "amount_refunded": 0,
            "billing_details": method["billing_details"],
            "calculated_statement_descriptor": "SANDBOX",
            "captured": captured or status == "pending",
            "currency": intent["currency"],
            "customer": intent["customer"],
            "description": intent["description"],
            "disputed": False,
            "fraud_details": {},
            "metadata": dict(intent["metadata"]),
            "outcome": {
                "advice_code": None,
                "network_advice_code": None,
                "network_decline_code": None,
                "network_status": "approved_by_network" if status != "failed" else "declined_by_network",
                "reason": None,
                "risk_level": "normal",
                "risk_score": 24,
                "seller_message": "Payment complete." if status != "failed" else "The bank did not return any details.",
                "type": "authorized" if status != "failed" else "issuer_declined",
            },
            "paid": status != "failed",
            "payment_intent": intent["id"],
            "payment_method": method["id"],
            "payment_method_details": _details(method, authenticated=authenticated),
            "radar_options": {},
            "receipt_email": intent["receipt_email"],
            "refunded": False,
            "statement_descriptor": None,
            "status": status,
        },
    )
    charge["receipt_url"] = f"{world.public_url}/receipts/{charge['id']}" if status == "succeeded" else None
    if captured:
        book(world, charge)
    intent["latest_charge"] = charge["id"]
    return charge


def book(world: World, charge: StripeObject) -> None:
    """The money of a captured charge reaches the balance."""
    transaction = balance_transactions.make(
        world,
        amount=charge["amount_captured"],
        currency=charge["currency"],
        kind="charge",
        source=charge["id"],
        fee=processing_fee(charge["amount_captured"]),
    )
    charge["balance_transaction"] = transaction["id"]


def mark_failed(charge: StripeObject, decline: str) -> None:
    """Write the reason of a decline into a failed charge."""
    code, message = cards.DECLINES[decline]
    charge["failure_code"], charge["failure_message"] = code, message
    charge["outcome"]["reason"] = decline


def card_behind(world: World, charge: StripeObject) -> cards.Card | None:
    """The test card that was charged, if it was one."""
    method = world.get(charge["payment_method"])
    return payment_methods.card_of(method) if method else None
