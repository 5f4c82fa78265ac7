"""Invoices: drafting, finalising, paying, voiding."""

from __future__ import annotations

from typing import Any

from ..errors import InvalidRequest
from ..ids import client_secret
from ..objects import StripeObject
from ..values import nulls
from ..world import VIEWS, World
from . import customers, invoice_lines, payment_intents, tax_rates


def _first_ten_lines(invoice: StripeObject) -> StripeObject:
    lines = invoice["lines"]
    if len(lines["data"]) > 10:
        invoice["lines"] = lines | {"data": lines["data"][:10], "has_more": True}
    return invoice


VIEWS["invoice"] = _first_ten_lines


def draft(world: World, customer: StripeObject, *, currency: str, billing_reason: str, **values: Any) -> StripeObject:
    """A new draft, not yet announced: add lines, then call ``announce``."""
    invoice = world.add(
        "invoice",
        **nulls(
            "account_tax_ids application automatically_finalizes_at custom_fields customer_account "
            "customer_shipping default_payment_method default_source description due_date effective_at ending_balance "
            "footer from_invoice hosted_invoice_url invoice_pdf last_finalization_error latest_revision "
            "next_payment_attempt number on_behalf_of parent receipt_number rendering shipping_cost shipping_details "
            "statement_descriptor test_clock webhooks_delivered_at"
        )
        | {
            "account_country": "US",
            "account_name": world.setting("account_name"),
            "amount_due": 0,
            "amount_overpaid": 0,
            "amount_paid": 0,
            "amount_remaining": 0,
            "amount_shipping": 0,
            "attempt_count": 0,
            "attempted": False,
            "auto_advance": True,
            "automatic_tax": tax_rates.automatic_tax(False),
            "billing_reason": billing_reason,
            "collection_method": "charge_automatically",
            "currency": currency,
            "customer": customer["id"],
            "customer_address": customer["address"],
            "customer_email": customer["email"],
            "customer_name": customer["name"],
            "customer_phone": customer["phone"],
            "customer_tax_exempt": customer["tax_exempt"],
            "customer_tax_ids": [],
            "default_tax_rates": [],
            "discounts": [],
            "issuer": {"type": "self"},
            "lines": {"object": "list", "data": [], "has_more": False, "url": ""},
            "metadata": {},
            "payment_settings": nulls("default_mandate payment_method_options payment_method_types"),
            "period_end": world.now,
            "period_start": world.now,
            "post_payment_credit_notes_amount": 0,
            "pre_payment_credit_notes_amount": 0,
            "starting_balance": 0,
            "status": "draft",
            "status_transitions": nulls("finalized_at marked_uncollectible_at paid_at voided_at"),
            "subtotal": 0,
            "subtotal_excluding_tax": 0,
            "total": 0,
            "total_discount_amounts": [],
            "total_excluding_tax": 0,
            "total_pretax_credit_amounts": [],
            "total_taxes": [],
            "_automatic_tax": False,
            "_coupons": [],
            "_intent": None,
        }
        | values,
    )
    invoice["lines"]["url"] = f"/v1/invoices/{invoice['id']}/lines"
    return invoice


def announce(world: World, invoice: StripeObject) -> None:
    """Total a new draft and emit ``invoice.created``."""
    invoice_lines.total_up(world, invoice)
    customer = world.need("customer", invoice["customer"])
    if customer["currency"] is None:
        customer["currency"] = invoice["currency"]
    world.emit("invoice.created", invoice)


def finalize(
    world: World, invoice: StripeObject, *, intent: StripeObject | None = None, uses_balance: bool = True
) -> None:
    """Give the invoice its number, use the customer's balance, and make the intent that will pay it.

    ``intent`` is one that was made (or has succeeded) already, by Checkout; it takes no account of the balance.
    """
    if invoice["status"] != "draft":
        raise InvalidRequest(
            "This invoice is already finalized, you can't finalize it again.", code="invoice_not_editable"
        )
    world.unschedule(invoice["id"], "invoice.finalize")
    customer = world.need("customer", invoice["customer"])
    invoice["number"] = f"{customer['invoice_prefix']}-{customer['next_invoice_sequence']:04d}"
    customer["next_invoice_sequence"] += 1
    invoice_lines.measure_again(world, invoice)
    invoice_lines.total_up(world, invoice)
    if uses_balance:
        _use_balance(world, invoice, customer)
    else:
        invoice["starting_balance"] = invoice["ending_balance"] = customer["balance"]
    invoice["status"] = "open"
    invoice["status_transitions"]["finalized_at"] = invoice["effective_at"] = world.now
    invoice["automatically_finalizes_at"] = None
    invoice["hosted_invoice_url"] = f"{world.public_url}/i/{invoice['id']}"
    invoice["invoice_pdf"] = f"{world.public_url}/i/{invoice['id']}/pdf"
    if invoice["amount_due"]:
        if intent is None:
            intent = payment_intents.make(
                world,
                amount=invoice["amount_due"],
                currency=invoice["currency"],
                customer=invoice["customer"],
                description="Subscription creation" if invoice["parent"] else None,
                metadata={},
                setup_future_usage="off_session" if invoice["parent"] else None,
                _invoice=invoice["id"],
            )
        intent["_invoice"] = invoice["id"]
        invoice["_intent"] = intent["id"]
        _request_payment(world, invoice, intent)
    world.emit("invoice.finalized", invoice)


def _use_balance(world: World, invoice: StripeObject, customer: StripeObject) -> None:
    start, total = customer["balance"], invoice["total"]
    if total <= 0:
        end, due = start + total, 0
    elif start <= 0:
        used = min(-start, total)
        end, due = start + used, total - used
    else:
        end, due = 0, total + start
    invoice["starting_balance"], invoice["ending_balance"] = start, end
    invoice["amount_due"] = invoice["amount_remaining"] = due
    if end != start:
        customers.change_balance(
            world, customer, end - start, "applied_to_invoice", invoice=invoice["id"], currency=invoice["currency"]
        )
        world.emit_update("customer.updated", customer)


def _request_payment(world: World, invoice: StripeObject, intent: StripeObject) -> StripeObject:
    return world.add(
        "invoice_payment",
        amount_paid=None,
        amount_requested=invoice["amount_due"],
        currency=invoice["currency"],
        invoice=invoice["id"],
        is_default=True,
        payment={"payment_intent": intent["id"], "type": "payment_intent"},
        status="open",
        status_transitions={"canceled_at": None, "paid_at": None},
    )


def settle(world: World, invoice: StripeObject, *, paid: int | None = None, out_of_band: bool = False) -> None:
    """Mark an open invoice as paid and announce it."""
    amount = invoice["amount_remaining"] if paid is None else paid
    world.unschedule(invoice["id"])
    invoice["status"] = "paid"
    invoice["amount_paid"] = 0 if out_of_band else invoice["amount_paid"] + amount
    invoice["amount_remaining"] = 0
    invoice["attempted"] = True
    invoice["next_payment_attempt"] = None
    invoice["status_transitions"]["paid_at"] = world.now
    for payment in world.find("invoice_payment", invoice=invoice["id"], status="open"):
        if not amount or out_of_band:
            payment["status"], payment["status_transitions"]["canceled_at"] = "canceled", world.now
            continue
        payment["status"], payment["amount_paid"] = "paid", amount
        payment["status_transitions"]["paid_at"] = world.now
        world.emit("invoice_payment.paid", payment)
    world.emit_update("invoice.updated", invoice)
    world.emit("invoice.paid", invoice)
    world.emit("invoice.payment_succeeded", invoice)


def void(world: World, invoice: StripeObject) -> None:
    """Take an open invoice back; its intent is cancelled. Raises when it is not open."""
    if invoice["status"] not in ("open", "uncollectible"):
        raise InvalidRequest(f"You can only pass in open invoices. This invoice isn't open: {invoice['status']}.")
    world.unschedule(invoice["id"])
    _cancel_payments(world, invoice)
    invoice["status"], invoice["next_payment_attempt"] = "void", None
    invoice["status_transitions"]["voided_at"] = world.now
    world.emit_update("invoice.updated", invoice)
    world.emit("invoice.voided", invoice)


def write_off(world: World, invoice: StripeObject) -> None:
    """Mark an open invoice as uncollectible."""
    if invoice["status"] != "open":
        raise InvalidRequest("You can only mark open invoices as uncollectible.")
    world.unschedule(invoice["id"])
    invoice["status"], invoice["next_payment_attempt"] = "uncollectible", None
    invoice["status_transitions"]["marked_uncollectible_at"] = world.now
    world.emit_update("invoice.updated", invoice)
    world.emit("invoice.marked_uncollectible", invoice)


def _cancel_payments(world: World, invoice: StripeObject) -> None:
    intent = world.get(invoice["_intent"])
    if intent is not None and intent["status"].startswith("requires_"):
        payment_intents.cancel(world, intent, "void_invoice")
    for payment in world.find("invoice_payment", invoice=invoice["id"], status="open"):
        payment["status"], payment["status_transitions"]["canceled_at"] = "canceled", world.now


def secret_of(world: World, invoice: StripeObject) -> StripeObject | None:
    """``confirmation_secret``: what a page needs to pay the invoice."""
    intent = world.get(invoice.get("_intent"))
    if intent is None:
        return None
    if intent["client_secret"] is None:
        intent["client_secret"] = client_secret(intent["id"])
    return {"client_secret": intent["client_secret"], "type": "payment_intent"}
