"""Collecting invoices: finalising drafts, and charging the method on file."""

from __future__ import annotations

from ..errors import InvalidRequest
from ..store import Obj
from ..timeline import when
from ..world import World
from . import invoices, payment_intents, subscriptions


def method_for(world: World, invoice: Obj) -> Obj | None:
    """The invoice's own method, or the subscription's, or the customer's default."""
    sub = subscriptions.of_invoice(world, invoice)
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
    world: World, invoice: Obj, *, method: Obj | None = None, off_session: bool = True, automatic: bool = True
) -> str:
    """Try to collect an open invoice. Returns ``paid``, ``processing``, ``requires_action`` or ``failed``."""
    method = method or method_for(world, invoice)
    intent = world.need("payment_intent", invoice["_intent"])
    invoice["next_payment_attempt"] = None
    if method is None:
        invoices.intent_failed(world, intent, automatic=automatic)
        return "failed"
    status = payment_intents.attempt(world, intent, method, off_session=off_session)
    if status == "succeeded":
        return "paid"
    if status == "requires_payment_method":
        invoices.intent_failed(world, intent, automatic=automatic)
        return "failed"
    if status == "requires_action":
        invoice["attempted"] = True
        invoice["attempt_count"] += 1
        world.emit("invoice.payment_action_required", invoice)
    return status


def finalize_and_collect(world: World, invoice: Obj) -> str:
    """Finalise a draft and, where it is collected automatically, collect it."""
    invoices.finalize(world, invoice)
    if not invoice["amount_due"]:
        invoices.settle(world, invoice)
        subscriptions.invoice_paid(world, invoice)
        return "paid"
    if invoice["collection_method"] == "send_invoice":
        world.emit("invoice.sent", invoice)
        return "open"
    if not invoice["auto_advance"]:
        return "open"
    return attempt(world, invoice)


def issue(world: World, invoice: Obj) -> None:
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


def void(world: World, invoice: Obj) -> None:
    """Take an open invoice back; its intent is cancelled. Raises when it is not open."""
    if invoice["status"] not in ("open", "uncollectible"):
        raise InvalidRequest(f"You can only pass in open invoices. This invoice isn't open: {invoice['status']}.")
    world.unschedule(invoice["id"])
    _cancel_payments(world, invoice)
    invoice["status"], invoice["next_payment_attempt"] = "void", None
    invoice["status_transitions"]["voided_at"] = world.now
    world.emit_update("invoice.updated", invoice)
    world.emit("invoice.voided", invoice)


def write_off(world: World, invoice: Obj) -> None:
    """Mark an open invoice as uncollectible."""
    if invoice["status"] != "open":
        raise InvalidRequest("You can only mark open invoices as uncollectible.")
    world.unschedule(invoice["id"])
    invoice["status"], invoice["next_payment_attempt"] = "uncollectible", None
    invoice["status_transitions"]["marked_uncollectible_at"] = world.now
    world.emit_update("invoice.updated", invoice)
    world.emit("invoice.marked_uncollectible", invoice)


def _cancel_payments(world: World, invoice: Obj) -> None:
    intent = world.get(invoice["_intent"])
    if intent is not None and intent["status"].startswith("requires_"):
        payment_intents.abandon(world, intent, "void_invoice")
    for payment in world.find("invoice_payment", invoice=invoice["id"], status="open"):
        payment["status"], payment["status_transitions"]["canceled_at"] = "canceled", world.now
