"""Previews: the real thing is done, looked at, and undone. So a preview can never differ from what follows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..clock import when
from ..errors import InvalidRequest
from ..ids import random_text
from ..objects import Params, StripeObject
from ..parameters import refuse
from ..resources import customers, discounts, invoice_items, invoice_lines, invoices, subscriptions
from ..values import check_currency
from ..world import World, public
from . import renewals, subscription_changes, subscription_creation, subscription_invoices


def _in_vain(world: World, work: Callable[[World], Any], *, now: int | None = None) -> Any:
    """Run ``work`` with a world of its own and undo everything it did."""
    world.flush()
    world.store.execute("SAVEPOINT preview")
    try:
        scratch = World(world.store, now=world.now if now is None else now, public_url=world.public_url, silent=True)
        return public(work(scratch))
    finally:
        world.store.execute("ROLLBACK TO preview")
        world.store.execute("RELEASE preview")


def next_invoice(world: World, sub: StripeObject) -> StripeObject | None:
    """What the next renewal will bill, as things stand; None when there will be none."""
    if sub["cancel_at_period_end"]:
        return None
    _, end = subscriptions.period(sub)

    def work(scratch: World) -> StripeObject | None:
        copy = scratch.need("subscription", sub["id"])
        invoice = renewals.open_next_period(scratch, copy)
        if invoice is None:
            return None
        return _totalled(scratch, invoice)

    shown: StripeObject | None = _in_vain(world, work, now=end)
    return shown


def _totalled(world: World, invoice: StripeObject) -> StripeObject:
    """Totals and the customer's balance, as finalising would reckon them."""
    invoice_lines.total_up(world, invoice)
    customer = world.need("customer", invoice["customer"])
    invoice["starting_balance"] = customer["balance"]
    due = invoice["total"] + customer["balance"]
    invoice["amount_due"] = invoice["amount_remaining"] = max(0, due)
    invoice["ending_balance"] = min(0, due) if invoice["total"] > 0 else due
    return invoice


def make(world: World, params: Params) -> StripeObject:
    """The invoice a new subscription, a change, a cancellation or the next renewal would bring."""
    refuse(params, "schedule", "schedule_details", "customer_details")
    details = params.get("subscription_details") or {}
    sub = world.need("subscription", params["subscription"], "subscription") if params.get("subscription") else None
    if sub is not None and sub["status"] in subscriptions.ENDED:
        raise InvalidRequest(
            "No upcoming invoices for customer: the subscription is canceled.", code="invoice_upcoming_none"
        )
    coupons = params.get("discounts") or []
    if sub is None and not details.get("items") and not params.get("invoice_items"):
        raise InvalidRequest("No upcoming invoices for customer.", code="invoice_upcoming_none")
    if sub is None:
        shown = _in_vain(world, lambda scratch: _new(scratch, params, details, coupons))
    else:
        shown = _in_vain(
            world, lambda scratch: _change(scratch, scratch.need("subscription", sub["id"]), params, details)
        )
        if shown is None:  # nothing is billed at once: the next renewal is what comes
            shown = _in_vain(
                world, lambda scratch: _later(scratch, scratch.need("subscription", sub["id"]), params, details)
            )
    if shown is None:
        raise InvalidRequest("No upcoming invoices for customer.", code="invoice_upcoming_none")
    found: StripeObject = shown
    found["id"] = "upcoming_in_" + random_text(24)
    for line in found["lines"]["data"]:
        line["invoice"] = found["id"]
    return found


def _new(world: World, params: Params, details: Params, coupons: list[Params]) -> StripeObject:
    customer = (
        world.need("customer", params["customer"], "customer") if params.get("customer") else customers.blank(world)
    )
    if not details.get("items"):
        currency = check_currency(params.get("currency") or customer["currency"] or "usd")
        invoice = invoices.draft(world, customer, currency=currency, billing_reason="manual")
        return _with_items(world, invoice, params, coupons)
    given: Params = {
        key: details[key] for key in ("items", "trial_end", "metadata", "billing_cycle_anchor") if key in details
    }
    given["automatic_tax"] = params.get("automatic_tax") or {"enabled": False}
    _, invoice = subscription_creation.make(world, customer, given | {"discounts": coupons})
    return _with_items(world, invoice, params, [])


def _with_items(world: World, invoice: StripeObject, params: Params, coupons: list[Params]) -> StripeObject:
    for given in params.get("invoice_items") or []:
        quantity = given.get("quantity", 1)
        amount = given.get("amount", given.get("unit_amount", 0) * quantity)
        invoice_lines.add(
            world,
            invoice,
            amount=amount,
            description=given.get("description"),
            start=world.now,
            end=world.now,
            parent=None,
            quantity=quantity,
        )
    for entry in coupons:
        coupon, _ = discounts.coupon_of(world, entry)
        invoice["_coupons"].append([f"di_{random_text(24)}", coupon["id"]])
    return _totalled(world, invoice)


def _wanted(sub: StripeObject, details: Params) -> subscription_changes.Change:
    return subscription_changes.Change(
        items=details.get("items") or [],
        proration_behavior=details.get("proration_behavior", "create_prorations"),
        proration_date=details.get("proration_date"),
        anchor_now=details.get("billing_cycle_anchor") == "now",
        trial_end=details.get("trial_end"),
    )


def _change(world: World, sub: StripeObject, params: Params, details: Params) -> StripeObject | None:
    if details.get("cancel_now"):
        subscription_changes.give_back(world, sub)
        invoice = subscription_invoices.draft(world, sub, "manual")
        subscription_invoices.bill_usage(world, sub, invoice, subscriptions.period(sub)[0], world.now)
        invoice_items.pull(world, invoice, invoice_items.pending(world, sub["customer"], sub["id"]))
        return _totalled(world, invoice)
    changed = subscription_changes.change(world, sub, _wanted(sub, details))
    return None if changed is None else _with_items(world, changed, params, params.get("discounts") or [])


def _later(world: World, sub: StripeObject, params: Params, details: Params) -> StripeObject | None:
    """The change is made now, its prorations wait, and the next renewal bills them."""
    subscription_changes.change(world, sub, _wanted(sub, details))
    if details.get("cancel_at_period_end", sub["cancel_at_period_end"]):
        return None
    _, end = subscriptions.period(sub)
    world.now = end
    invoice = renewals.open_next_period(world, sub)
    return None if invoice is None else _with_items(world, invoice, params, params.get("discounts") or [])


@when("subscription.upcoming")
def _upcoming(world: World, sub_id: str) -> None:
    sub = subscriptions.live(world, sub_id)
    if sub is None or sub["cancel_at_period_end"] or sub["status"] not in ("active", "past_due"):
        return
    shown = next_invoice(world, sub)
    if shown is None:
        return
    # An invoice that does not exist yet: the event shows it, nothing keeps it.
    shown = public(shown)
    shown.pop("id", None)
    world.emit_unsaved("invoice.upcoming", shown)
