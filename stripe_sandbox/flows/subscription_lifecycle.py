"""How subscriptions begin and end, and what their invoices' fate does to them."""

from __future__ import annotations

from ..objects import StripeObject
from ..resources import pending_updates, subscription_schedules, subscriptions
from ..world import World
from . import subscription_invoices

_INCOMPLETE_SECONDS = 23 * 3600


def begin(world: World, sub: StripeObject, *, trial_end: int | None, first_period_end: int) -> StripeObject:
    """Open the first period, announce the subscription, and return its first invoice, still a draft."""
    if trial_end:
        sub["status"], sub["trial_start"], sub["trial_end"] = "trialing", world.now, trial_end
        sub["billing_cycle_anchor"] = trial_end
        world.schedule("subscription.trial_will_end", sub["id"], max(world.now, trial_end - 3 * 86400))
    subscriptions.set_period(world, sub, world.now, trial_end or first_period_end)
    world.emit("customer.subscription.created", sub)
    invoice = subscription_invoices.draft(world, sub, "subscription_create")
    sub["latest_invoice"] = invoice["id"]
    return invoice


def end(
    world: World, sub: StripeObject, *, reason: str | None = "cancellation_requested", status: str = "canceled"
) -> None:
    """End a subscription now; open invoices are no longer chased."""
    world.unschedule(sub["id"])
    sub["status"] = status
    sub["ended_at"] = world.now
    sub["canceled_at"] = sub["canceled_at"] or world.now
    sub["cancellation_details"]["reason"] = sub["cancellation_details"]["reason"] or reason
    sub["pending_update"] = sub["_pending"] = None
    schedule = world.get(sub["schedule"])
    if schedule is not None and schedule["status"] in ("active", "not_started"):
        subscription_schedules.close(world, schedule, "canceled")
    for invoice in world.find("invoice", _subscription=sub["id"]):
        if invoice["status"] in ("open", "draft"):
            world.unschedule(invoice["id"])
            invoice["auto_advance"], invoice["next_payment_attempt"] = False, None
            world.emit_update("invoice.updated", invoice)
    world.emit("customer.subscription.deleted", sub)


def of_invoice(world: World, invoice: StripeObject) -> StripeObject | None:
    """The subscription an invoice bills, if any."""
    return world.get(invoice.get("_subscription"))


def invoice_paid(world: World, invoice: StripeObject) -> None:
    """An invoice of a subscription was paid: it goes on, and an update that waited for the payment is applied."""
    sub = of_invoice(world, invoice)
    customer = world.need("customer", invoice["customer"])
    if customer["delinquent"] and not any(
        i["attempted"] for i in world.find("invoice", customer=customer["id"], status="open")
    ):
        customer["delinquent"] = False
        world.emit_update("customer.updated", customer)
    if sub is None or sub["status"] in subscriptions.ENDED:
        return
    intent = world.get(invoice["_intent"])
    saves = sub["payment_settings"]["save_default_payment_method"] == "on_subscription"
    if saves and intent is not None and intent["payment_method"] and not sub["default_payment_method"]:
        sub["default_payment_method"] = intent["payment_method"]
    if sub["_pending"] and sub["_pending"]["invoice"] == invoice["id"]:
        pending_updates.apply(world, sub)
        return
    if sub["status"] == "incomplete":
        world.unschedule(sub["id"], "subscription.incomplete_expires")
        sub["status"] = "active"
    elif sub["status"] in ("past_due", "unpaid"):
        latest = world.get(sub["latest_invoice"])
        if latest is None or latest["status"] in ("paid", "void", "uncollectible"):
            sub["status"] = "active"
    world.emit_update("customer.subscription.updated", sub)


def invoice_failed(world: World, invoice: StripeObject, *, automatic: bool) -> None:
    """An invoice of a subscription could not be collected: retry later, and tell by the status."""
    sub = of_invoice(world, invoice)
    if sub is None or sub["status"] in subscriptions.ENDED or sub["status"] == "incomplete" or sub["_pending"]:
        return
    customer = world.need("customer", invoice["customer"])
    if not customer["delinquent"]:
        customer["delinquent"] = True
        world.emit_update("customer.updated", customer)
    if sub["status"] in ("active", "trialing"):
        sub["status"] = "past_due"
    if automatic or invoice["attempt_count"] == 1:
        days = list(world.setting("retry_days"))
        world.unschedule(invoice["id"], "invoice.retry")
        if invoice["attempt_count"] <= len(days):
            invoice["next_payment_attempt"] = world.now + int(days[invoice["attempt_count"] - 1] * 86400)
            world.schedule("invoice.retry", invoice["id"], invoice["next_payment_attempt"])
        else:
            invoice["next_payment_attempt"] = None
            if world.setting("after_retries") == "canceled":
                end(world, sub, reason="payment_failed")
                return
            sub["status"] = world.setting("after_retries")
    world.emit_update("customer.subscription.updated", sub)


def setup_succeeded(world: World, intent: StripeObject) -> None:
    """A card saved for a trial without one becomes the subscription's own."""
    for sub in world.find("subscription", pending_setup_intent=intent["id"]):
        sub["pending_setup_intent"], sub["default_payment_method"] = None, intent["payment_method"]
        world.emit_update("customer.subscription.updated", sub)


def wait_for_first_payment(world: World, sub: StripeObject) -> None:
    """An incomplete subscription expires after 23 hours."""
    world.schedule("subscription.incomplete_expires", sub["id"], world.now + _INCOMPLETE_SECONDS)
