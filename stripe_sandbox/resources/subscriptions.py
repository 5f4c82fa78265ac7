"""Subscriptions: how they begin and end, and what their invoices' fate does to them.

``subscription_shape.py``: what they are made of. ``subscription_invoices.py``: what they bill. ``subscription_api.py``
answers requests, ``subscription_changes.py`` changes items with proration, ``renewals.py`` is what the clock does.
"""

from __future__ import annotations

from ..periods import nth
from ..store import Obj
from ..values import merge_metadata
from ..world import World
from . import invoices
from .subscription_invoices import bill_ahead, draft_invoice
from .subscription_shape import ENDED, blank, interval, make_item, period, set_period

_INCOMPLETE_SECONDS = 23 * 3600

# Beginning and ending


def begin(world: World, sub: Obj, *, trial_end: int | None, first_period_end: int) -> Obj:
    """Open the first period, announce the subscription, and return its first invoice, still a draft."""
    if trial_end:
        sub["status"], sub["trial_start"], sub["trial_end"] = "trialing", world.now, trial_end
        sub["billing_cycle_anchor"] = trial_end
        world.schedule("subscription.trial_will_end", sub["id"], max(world.now, trial_end - 3 * 86400))
    set_period(world, sub, world.now, trial_end or first_period_end)
    world.emit("customer.subscription.created", sub)
    invoice = draft_invoice(world, sub, "subscription_create")
    sub["latest_invoice"] = invoice["id"]
    return invoice


def start_from_checkout(world: World, session: Obj, intent: Obj | None, *, paid: bool) -> None:
    """A session in subscription mode is complete: make the subscription it asked for and its first invoice."""
    data = session["_subscription_data"]
    customer = world.need("customer", session["customer"])
    sub = blank(
        world,
        customer,
        currency=session["currency"],
        automatic_tax={"disabled_reason": None, "enabled": session["automatic_tax"]["enabled"], "liability": None},
        default_payment_method=intent and intent["payment_method"],
        description=data.get("description"),
        metadata=merge_metadata({}, data.get("metadata")),
        trial_settings=data.get("trial_settings") or {"end_behavior": {"missing_payment_method": "create_invoice"}},
        status="active" if not session["amount_total"] else "incomplete",
    )
    prices = [(item, world.need("price", item["price"])) for item in session["_items"]]
    sub["items"]["data"] = [
        make_item(world, sub, price, item["quantity"], item["metadata"]) for item, price in prices if price["recurring"]
    ]
    if session["_coupon"]:
        discount = world.need("discount", session["_discount"])
        discount["subscription"] = sub["id"]
        sub["_coupons"], sub["discounts"] = [[discount["id"], session["_coupon"]]], [discount["id"]]
    trial_end = data.get("trial_end") or (
        world.now + data["trial_period_days"] * 86400 if data.get("trial_period_days") else None
    )
    invoice = begin(world, sub, trial_end=trial_end, first_period_end=nth(world.now, *interval(sub), 1))
    start, end = period(sub)
    bill_ahead(world, sub, invoice, start, end, trial=bool(trial_end))
    for item, price in prices:
        if not price["recurring"]:
            invoices.add_line(
                world,
                invoice,
                amount=item["amount_subtotal"],
                description=item["description"],
                start=world.now,
                end=world.now,
                parent=None,
                price=price,
                quantity=item["quantity"],
            )
    invoices.announce(world, invoice)
    session["subscription"], session["invoice"] = sub["id"], invoice["id"]
    charged = intent if intent is not None and intent["object"] == "payment_intent" else None
    invoices.finalize(world, invoice, intent=charged, uses_balance=False)
    if paid:
        invoices.settle(world, invoice)
    if sub["status"] == "incomplete":
        sub["status"] = "active"
    world.emit_update("customer.subscription.updated", sub)


def end(world: World, sub: Obj, *, reason: str | None = "cancellation_requested", status: str = "canceled") -> None:
    """End a subscription now; open invoices are no longer chased."""
    world.unschedule(sub["id"])
    sub["status"] = status
    sub["ended_at"] = world.now
    sub["canceled_at"] = sub["canceled_at"] or world.now
    sub["cancellation_details"]["reason"] = sub["cancellation_details"]["reason"] or reason
    sub["pending_update"] = sub["_pending"] = None
    schedule = world.get(sub["schedule"])
    if schedule is not None and schedule["status"] in ("active", "not_started"):
        from . import schedules

        schedules.close(world, schedule, "canceled")
    for invoice in world.find("invoice", _subscription=sub["id"]):
        if invoice["status"] in ("open", "draft"):
            world.unschedule(invoice["id"])
            invoice["auto_advance"], invoice["next_payment_attempt"] = False, None
            world.emit_update("invoice.updated", invoice)
    world.emit("customer.subscription.deleted", sub)


# What invoices tell


def of_invoice(world: World, invoice: Obj) -> Obj | None:
    """The subscription an invoice bills, if any."""
    return world.get(invoice.get("_subscription"))


def invoice_paid(world: World, invoice: Obj) -> None:
    """An invoice of a subscription was paid: it goes on, and an update that waited for the payment is applied."""
    from . import subscription_changes

    sub = of_invoice(world, invoice)
    customer = world.need("customer", invoice["customer"])
    if customer["delinquent"] and not any(
        i["attempted"] for i in world.find("invoice", customer=customer["id"], status="open")
    ):
        customer["delinquent"] = False
        world.emit_update("customer.updated", customer)
    if sub is None or sub["status"] in ENDED:
        return
    intent = world.get(invoice["_intent"])
    saves = sub["payment_settings"]["save_default_payment_method"] == "on_subscription"
    if saves and intent is not None and intent["payment_method"] and not sub["default_payment_method"]:
        sub["default_payment_method"] = intent["payment_method"]
    if sub["_pending"] and sub["_pending"]["invoice"] == invoice["id"]:
        subscription_changes.apply_pending(world, sub)
        return
    if sub["status"] == "incomplete":
        world.unschedule(sub["id"], "subscription.incomplete_expires")
        sub["status"] = "active"
    elif sub["status"] in ("past_due", "unpaid"):
        latest = world.get(sub["latest_invoice"])
        if latest is None or latest["status"] in ("paid", "void", "uncollectible"):
            sub["status"] = "active"
    world.emit_update("customer.subscription.updated", sub)


def invoice_failed(world: World, invoice: Obj, *, automatic: bool) -> None:
    """An invoice of a subscription could not be collected: retry later, and tell by the status."""
    sub = of_invoice(world, invoice)
    if sub is None or sub["status"] in ENDED or sub["status"] == "incomplete" or sub["_pending"]:
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


def setup_succeeded(world: World, intent: Obj) -> None:
    """A card saved for a trial without one becomes the subscription's own."""
    for sub in world.find("subscription", pending_setup_intent=intent["id"]):
        sub["pending_setup_intent"], sub["default_payment_method"] = None, intent["payment_method"]
        world.emit_update("customer.subscription.updated", sub)


def wait_for_first_payment(world: World, sub: Obj) -> None:
    """An incomplete subscription expires after 23 hours."""
    world.schedule("subscription.incomplete_expires", sub["id"], world.now + _INCOMPLETE_SECONDS)
