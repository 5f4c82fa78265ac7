"""Collecting invoices: finalising drafts, and charging the method on file."""

from __future__ import annotations

from ..clock import when
from ..objects import StripeObject
from ..resources import invoices
from ..world import World
from . import payments, subscription_lifecycle


def method_for(world: World, invoice: StripeObject) -> StripeObject | None:
    """The invoice's own method, or the subscription's, or the customer's default."""
    sub = subscription_lifecycle.of_invoice(world, invoice)
    customer = world.need("customer", invoice["customer"])
    for method_id in (
        invoice["default_payment_method"],
        sub["default_payment_method"] if sub else None,
        customer["invoice_settings"]["default_payment_method"],
    ):
        method = world.get(method_id)
        if method is not None and method["customer"] == customer["id"]:
            return method
    return None


def attempt(
    world: World,
    invoice: StripeObject,
    *,
    method: StripeObject | None = None,
    off_session: bool = True,
    automatic: bool = True,
) -> str:
    """Try to collect an open invoice. Returns ``paid``, ``processing``, ``requires_action`` or ``failed``."""
    method = method or method_for(world, invoice)
    intent = world.need("payment_intent", invoice["_intent"])
    invoice["next_payment_attempt"] = None
    if method is None:
        payments.invoice_failed(world, intent, automatic=automatic)
        return "failed"
    status = payments.attempt(world, intent, method, off_session=off_session)
    if status == "succeeded":
        return "paid"
    if status == "requires_payment_method":
        payments.invoice_failed(world, intent, automatic=automatic)
        return "failed"
    if status == "requires_action":
        invoice["attempted"] = True
        invoice["attempt_count"] += 1
        world.emit("invoice.payment_action_required", invoice)
    return status


def finalize_and_collect(world: World, invoice: StripeObject) -> str:
    """Finalise a draft and, where it is collected automatically, collect it."""
    invoices.finalize(world, invoice)
    if not invoice["amount_due"]:
        invoices.settle(world, invoice)
        subscription_lifecycle.invoice_paid(world, invoice)
        return "paid"
    if invoice["collection_method"] == "send_invoice":
        world.emit("invoice.sent", invoice)
        return "open"
    if not invoice["auto_advance"]:
        return "open"
    return attempt(world, invoice)


def issue(world: World, invoice: StripeObject) -> None:
    """Announce a renewal's draft; finalise it at once, or an hour later as at Stripe."""
    if world.setting("finalize_at_once"):
        invoices.announce(world, invoice)
        finalize_and_collect(world, invoice)
        return
    invoice["automatically_finalizes_at"] = world.now + 3600
    invoices.announce(world, invoice)
    world.schedule("invoice.finalize", invoice["id"], world.now + 3600)


@when("invoice.retry")
def _retry_due(world: World, invoice_id: str) -> None:
    invoice = world.get(invoice_id)
    if invoice is not None and invoice["status"] == "open" and invoice["auto_advance"]:
        attempt(world, invoice)


@when("invoice.finalize")
def _finalize_due(world: World, invoice_id: str) -> None:
    invoice = world.get(invoice_id)
    if invoice is not None and invoice["status"] == "draft":
        finalize_and_collect(world, invoice)
