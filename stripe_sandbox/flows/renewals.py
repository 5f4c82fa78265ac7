"""What the clock does to subscriptions: renewals, ends of trials, expiries."""

from __future__ import annotations

from ..clock import when
from ..objects import StripeObject
from ..periods import next_boundary
from ..resources import invoice_items, invoices, pending_updates, subscription_items, subscriptions
from ..world import World
from . import collection, payments, schedule_phases, subscription_invoices, subscription_lifecycle


@when("subscription.renew")
def renew(world: World, sub_id: str) -> None:
    """The current period has ended."""
    sub = subscriptions.live(world, sub_id)
    if sub is None or sub["status"] in ("incomplete", "paused"):
        return
    if sub["_pending"]:
        pending_updates.drop(world, sub)
    _, end = subscriptions.period(sub)
    if sub["cancel_at_period_end"] or (sub["cancel_at"] is not None and sub["cancel_at"] <= end):
        finish(world, sub)
        return
    invoice = open_next_period(world, sub)
    if invoice is None:
        return
    world.emit_update("customer.subscription.updated", sub)
    if sub["pause_collection"]:
        _issue_paused(world, sub, invoice)
    elif sub["status"] == "unpaid":
        invoice["auto_advance"] = False
        invoices.announce(world, invoice)
    else:
        collection.issue(world, invoice)


def open_next_period(world: World, sub: StripeObject) -> StripeObject | None:
    """Move on to the next period and return its invoice, still a draft; None when the subscription ended or paused."""
    start, end = subscriptions.period(sub)
    was_trial = sub["status"] == "trialing"
    if was_trial:
        behaviour = sub["trial_settings"]["end_behavior"]["missing_payment_method"]
        if behaviour != "create_invoice" and not _has_method(world, sub):
            if behaviour == "cancel":
                subscription_lifecycle.end(world, sub, reason="payment_failed")
            else:
                sub["status"] = "paused"
                world.emit_update("customer.subscription.updated", sub)
                world.emit("customer.subscription.paused", sub)
            return None
        sub["status"] = "active"
    # The invoice carries the period that has ended; usage is billed with the items that measured it.
    invoice = subscription_invoices.draft(world, sub, "subscription_cycle")
    if not was_trial:
        subscription_invoices.bill_usage(world, sub, invoice, start, end)
    interval_before = subscriptions.interval(sub)
    schedule_phases.enter_next_phase(world, sub, at_renewal=True)
    if sub["status"] in subscriptions.ENDED:
        return None
    if subscriptions.interval(sub) != interval_before:
        sub["billing_cycle_anchor"] = end
    following = next_boundary(sub["billing_cycle_anchor"], *subscriptions.interval(sub), end)
    subscriptions.set_period(world, sub, end, following)
    subscription_invoices.bill_ahead(world, sub, invoice, end, following)
    invoice_items.pull(world, invoice, invoice_items.pending(world, sub["customer"], sub["id"]))
    sub["latest_invoice"] = invoice["id"]
    return invoice


def finish(world: World, sub: StripeObject) -> None:
    """End at the end of a period; what was used, and what waits, is invoiced a last time."""
    start, end = subscriptions.period(sub)
    invoice = None
    if sub["status"] != "trialing" and (
        any(subscription_items.metered(item) for item in subscriptions.items(sub))
        or any(i["_subscription"] == sub["id"] for i in invoice_items.pending(world, sub["customer"], sub["id"]))
    ):
        invoice = subscription_invoices.draft(world, sub, "subscription_cycle")
        subscription_invoices.bill_usage(world, sub, invoice, start, min(end, world.now))
        invoice_items.pull(world, invoice, invoice_items.pending(world, sub["customer"], sub["id"]))
        sub["latest_invoice"] = invoice["id"]
    if invoice is not None:
        collection.issue(world, invoice)
    subscription_lifecycle.end(world, sub)


def _has_method(world: World, sub: StripeObject) -> bool:
    customer = world.need("customer", sub["customer"])
    return bool(sub["default_payment_method"] or customer["invoice_settings"]["default_payment_method"])


def _issue_paused(world: World, sub: StripeObject, invoice: StripeObject) -> None:
    behaviour = sub["pause_collection"]["behavior"]
    invoice["auto_advance"] = False
    invoices.announce(world, invoice)
    if behaviour == "keep_as_draft":
        return
    invoices.finalize(world, invoice)
    if behaviour == "void":
        invoices.void(world, invoice)
    else:
        invoices.write_off(world, invoice)


@when("subscription.cancel")
def _cancel_at(world: World, sub_id: str) -> None:
    sub = subscriptions.live(world, sub_id)
    if sub is not None and sub["cancel_at"] is not None and sub["cancel_at"] <= world.now:
        finish(world, sub)


@when("subscription.trial_will_end")
def _trial_will_end(world: World, sub_id: str) -> None:
    sub = subscriptions.live(world, sub_id)
    if sub is not None and sub["status"] == "trialing":
        world.emit("customer.subscription.trial_will_end", sub)


@when("subscription.incomplete_expires")
def _incomplete_expires(world: World, sub_id: str) -> None:
    sub = subscriptions.live(world, sub_id)
    if sub is None or sub["status"] != "incomplete":
        return
    world.unschedule(sub["id"])
    sub["status"], sub["ended_at"] = "incomplete_expired", world.now
    invoice = world.get(sub["latest_invoice"])
    if invoice is not None and invoice["status"] == "open":
        intent = world.get(invoice["_intent"])
        if intent is not None and intent["status"] == "processing":
            payments.end_debit(world, intent, succeeds=False)
        invoices.void(world, invoice)
    world.emit_update("customer.subscription.updated", sub)


@when("subscription.pending_update_expires")
def _pending_expires(world: World, sub_id: str) -> None:
    sub = subscriptions.live(world, sub_id)
    if sub is not None and sub["_pending"]:
        pending_updates.drop(world, sub)
