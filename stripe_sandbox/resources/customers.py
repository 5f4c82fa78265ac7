"""Customers and their credit balance."""

from __future__ import annotations

from typing import Any

from ..errors import InvalidRequest
from ..ids import random_text
from ..objects import Params, StripeObject
from ..values import address, assign, merge_metadata, nulls
from ..world import World

_PLAIN = (
    "description",
    "name",
    "phone",
    "preferred_locales",
    "tax_exempt",
    "balance",
    "business_name",
    "individual_name",
)


def blank(world: World) -> StripeObject:
    """A new customer of whom nothing is known; whoever made it emits ``customer.created``."""
    return world.add(
        "customer",
        **nulls("address currency customer_account default_source description discount email name phone shipping"),
        balance=0,
        delinquent=False,
        invoice_prefix=random_text(8).upper(),
        invoice_settings=nulls("custom_fields default_payment_method footer rendering_options"),
        metadata={},
        next_invoice_sequence=1,
        preferred_locales=[],
        tax_exempt="none",
        test_clock=None,
    )


def apply(world: World, customer: StripeObject, params: Params) -> None:
    """Take over what the parameters say of a customer."""
    assign(customer, params, _PLAIN)
    if customer["tax_exempt"] is None:
        customer["tax_exempt"] = "none"
    if "email" in params:
        if params["email"] and "@" not in params["email"]:
            raise InvalidRequest(f"Invalid email address: {params['email']}", code="email_invalid", param="email")
        customer["email"] = params["email"] or None
    if "address" in params:
        customer["address"] = address(params["address"])
    if "shipping" in params:
        given = params["shipping"] or None
        customer["shipping"] = given and {
            "address": address(given.get("address")),
            "carrier": None,
            "name": given.get("name"),
            "phone": given.get("phone"),
            "tracking_number": None,
        }
    if "metadata" in params:
        customer["metadata"] = merge_metadata(customer["metadata"], params["metadata"])
    settings = params.get("invoice_settings") or {}
    if "default_payment_method" in settings:
        method_id = settings["default_payment_method"] or None
        if method_id:
            method = world.need("payment_method", method_id, "invoice_settings[default_payment_method]")
            if method["customer"] != customer["id"]:
                raise InvalidRequest(
                    "The customer does not have a payment method with the ID "
                    f"{method_id}. The payment method must be attached to the customer.",
                    code="resource_missing",
                    param="invoice_settings[default_payment_method]",
                )
        customer["invoice_settings"]["default_payment_method"] = method_id
    if "footer" in settings:
        customer["invoice_settings"]["footer"] = settings["footer"] or None


def change_balance(world: World, customer: StripeObject, amount: int, kind: str, **links: Any) -> StripeObject:
    """Add to the balance (negative is credit in the customer's favour) and keep a record of why."""
    customer["balance"] += amount
    return world.add(
        "customer_balance_transaction",
        **nulls("checkout_session credit_note customer_account description invoice")
        | {
            "amount": amount,
            "currency": links.pop("currency", None) or customer["currency"] or "usd",
            "customer": customer["id"],
            "ending_balance": customer["balance"],
            "metadata": {},
            "type": kind,
        }
        | links,
    )
