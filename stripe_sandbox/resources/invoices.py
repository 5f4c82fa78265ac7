"""Invoices: drafting, adding lines, totalling, finalising, paying. ``invoice_api.py`` has the requests."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from ..errors import InvalidRequest
from ..ids import client_secret, new_id
from ..store import Obj
from ..timeline import when
from ..values import decimal_text, nulls
from ..world import VIEWS, World
from . import customers, discounts, payment_intents, taxes


def _first_ten_lines(invoice: Obj) -> Obj:
    lines = invoice["lines"]
    if len(lines["data"]) > 10:
        invoice["lines"] = lines | {"data": lines["data"][:10], "has_more": True}
    return invoice


VIEWS["invoice"] = _first_ten_lines


def draft(world: World, customer: Obj, *, currency: str, billing_reason: str, **values: Any) -> Obj:
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
            "automatic_tax": taxes.automatic_tax(False),
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


def add_line(
    world: World,
    invoice: Obj,
    *,
    amount: int,
    description: str | None,
    start: int,
    end: int,
    parent: Obj | None,
    price: Obj | None = None,
    quantity: int | None = 1,
    unit_amount: str | None = None,
    discountable: bool = True,
    metadata: Obj | None = None,
) -> Obj:
    """Append a line. ``amount`` is before discounts and tax, in minor units; credits are negative."""
    pricing = None
    if price is not None:
        exact = unit_amount if unit_amount is not None else price["unit_amount_decimal"]
        pricing = {
            "price_details": {"price": price["id"], "product": price["product"]},
            "type": "price_details",
            "unit_amount_decimal": exact,
        }
    line: Obj = {
        "id": new_id("line_item"),
        "object": "line_item",
        "amount": amount,
        "currency": invoice["currency"],
        "description": description,
        "discount_amounts": [],
        "discountable": discountable,
        "discounts": [],
        "invoice": invoice["id"],
        "livemode": False,
        "metadata": metadata or {},
        "parent": parent,
        "period": {"end": end, "start": start},
        "pretax_credit_amounts": [],
        "pricing": pricing,
        "quantity": quantity,
        "quantity_decimal": None if quantity is None else decimal_text(quantity),
        "subtotal": amount,
        "taxes": [],
    }
    parents = parent or {}
    detail = parents.get("subscription_item_details") or parents.get("invoice_item_details") or {}
    line["subscription"] = detail.get("subscription")
    invoice["lines"]["data"].append(line)
    return line


def total_up(world: World, invoice: Obj) -> None:
    """Work out discounts, tax and totals of a draft from its lines."""
    lines = invoice["lines"]["data"]
    percent = taxes.rate(world, enabled=invoice["_automatic_tax"])
    invoice["automatic_tax"] = taxes.automatic_tax(invoice["_automatic_tax"])
    remaining = [line["amount"] if line["discountable"] else 0 for line in lines]
    off = [0] * len(lines)
    for line in lines:
        line["discount_amounts"] = []
    by_discount: list[Obj] = []
    for discount_id, coupon_id in invoice["_coupons"]:
        coupon = world.get(coupon_id)
        if coupon is None:
            continue
        products = [((line["pricing"] or {}).get("price_details") or {}).get("product") for line in lines]
        parts = discounts.taken_off(coupon, remaining, products)
        for index, part in enumerate(parts):
            remaining[index] -= part
            off[index] += part
            if part:
                lines[index]["discount_amounts"].append({"amount": part, "discount": discount_id})
        by_discount.append({"amount": sum(parts), "discount": discount_id})
    subtotal = sum(line["amount"] for line in lines)
    tax_total = 0
    for line, taken in zip(lines, off, strict=True):
        taxable = line["amount"] - taken
        tax = taxes.tax_on(taxable, percent)
        line["taxes"] = taxes.line_tax(world, tax, taxable, percent)
        tax_total += tax
    excluding = subtotal - sum(off)
    invoice["subtotal"] = invoice["subtotal_excluding_tax"] = subtotal
    invoice["total_discount_amounts"] = by_discount
    invoice["discounts"] = [discount_id for discount_id, _ in invoice["_coupons"]]
    invoice["total_excluding_tax"] = excluding
    invoice["total_taxes"] = taxes.line_tax(world, tax_total, excluding, percent)
    invoice["total"] = excluding + tax_total
    invoice["amount_due"] = invoice["amount_remaining"] = max(0, invoice["total"])


def announce(world: World, invoice: Obj) -> None:
    """Total a new draft and emit ``invoice.created``."""
    total_up(world, invoice)
    customer = world.need("customer", invoice["customer"])
    if customer["currency"] is None:
        customer["currency"] = invoice["currency"]
    world.emit("invoice.created", invoice)


def finalize(world: World, invoice: Obj, *, intent: Obj | None = None, uses_balance: bool = True) -> None:
    """Give the invoice its number, use the customer's balance, and make the intent that will pay it.

    ``intent`` is one that was made (or has succeeded) already, by Checkout; it takes no account of the balance.
    """
    from . import subscription_invoices

    if invoice["status"] != "draft":
        raise InvalidRequest(
            "This invoice is already finalized, you can't finalize it again.", code="invoice_not_editable"
        )
    world.unschedule(invoice["id"], "invoice.finalize")
    customer = world.need("customer", invoice["customer"])
    invoice["number"] = f"{customer['invoice_prefix']}-{customer['next_invoice_sequence']:04d}"
    customer["next_invoice_sequence"] += 1
    subscription_invoices.measure_again(world, invoice)
    total_up(world, invoice)
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


def _use_balance(world: World, invoice: Obj, customer: Obj) -> None:
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


def _request_payment(world: World, invoice: Obj, intent: Obj) -> Obj:
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


def settle(world: World, invoice: Obj, *, paid: int | None = None, out_of_band: bool = False) -> None:
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


# What payment intents tell


def intent_succeeded(world: World, intent: Obj) -> None:
    """An intent that pays an invoice has succeeded."""
    from . import subscriptions

    invoice = world.get(intent.get("_invoice"))
    if invoice is None or invoice["status"] not in ("open", "uncollectible"):
        return
    invoice["attempt_count"] += 1
    settle(world, invoice)
    subscriptions.invoice_paid(world, invoice)


def intent_failed(world: World, intent: Obj, *, automatic: bool = False) -> None:
    """An intent that should have paid an invoice has failed.

    Any attempt counts as the first; after that only automatic ones do, and only they move the schedule of retries.
    """
    from . import subscriptions

    invoice = world.get(intent.get("_invoice"))
    if invoice is None or invoice["status"] != "open":
        return
    if automatic or not invoice["attempt_count"]:
        invoice["attempt_count"] += 1
    invoice["attempted"] = True
    subscriptions.invoice_failed(world, invoice, automatic=automatic)
    world.emit_update("invoice.updated", invoice)
    world.emit("invoice.payment_failed", invoice)


@when("invoice.finalize")
def _finalize_due(world: World, invoice_id: str) -> None:
    from . import collection

    invoice = world.get(invoice_id)
    if invoice is not None and invoice["status"] == "draft":
        collection.finalize_and_collect(world, invoice)


def secret_of(world: World, invoice: Obj) -> Obj | None:
    """``confirmation_secret``: what a page needs to pay the invoice."""
    intent = world.get(invoice.get("_intent"))
    if intent is None:
        return None
    if intent["client_secret"] is None:
        intent["client_secret"] = client_secret(intent["id"])
    return {"client_secret": intent["client_secret"], "type": "payment_intent"}


def price_line(price: Obj, quantity: int) -> int:
    """What ``quantity`` of a price costs, in whole minor units (half up); tiers and packages included."""
    from ..pricing import cost

    return cost(price, Decimal(quantity))
