"""Previews: the real thing is done, looked at, and undone. So a preview can never differ from what follows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..errors import InvalidRequest
from ..ids import random_text
from ..parameters import Params, refuse
from ..routes import route
from ..store import Obj
from ..values import check_currency
from ..world import World, public
from . import (
    discounts,
    invoice_items,
    invoices,
    renewals,
    subscription_building,
    subscription_changes,
    subscription_invoices,
    subscription_shape,
)


def in_vain(world: World, work: Callable[[World], Any], *, now: int | None = None) -> Any:
    """Run ``work`` with a world of its own and undo everything it did."""
    world.flush()
    world.store.execute("SAVEPOINT preview")
    try:
        scratch = World(world.store, now=world.now if now is None else now, public_url=world.public_url, silent=True)
        return public(work(scratch))
    finally:
        world.store.execute("ROLLBACK TO preview")
        world.store.execute("RELEASE preview")


def next_invoice(world: World, sub: Obj) -> Obj | None:
    """What the next renewal will bill, as things stand; None when there will be none."""
    if sub["cancel_at_period_end"]:
        return None
    _, end = subscription_shape.period(sub)

    def work(scratch: World) -> Obj | None:
        copy = scratch.need("subscription", sub["id"])
        invoice = renewals.open_next_period(scratch, copy)
        if invoice is None:
            return None
        return _totalled(scratch, invoice)

    shown: Obj | None = in_vain(world, work, now=end)
    return shown


def _totalled(world: World, invoice: Obj) -> Obj:
    """Totals and the customer's balance, as finalising would reckon them."""
    invoices.total_up(world, invoice)
    customer = world.need("customer", invoice["customer"])
    invoice["starting_balance"] = customer["balance"]
    due = invoice["total"] + customer["balance"]
    invoice["amount_due"] = invoice["amount_remaining"] = max(0, due)
    invoice["ending_balance"] = min(0, due) if invoice["total"] > 0 else due
    return invoice


@route("POST /v1/invoices/create_preview", "InvoiceCreatePreviewParams")
def create_preview(world: World, params: Params) -> Obj:
    """The invoice a new subscription, a change, a cancellation or the next renewal would bring."""
    refuse(params, "schedule", "schedule_details", "customer_details")
    details = params.get("subscription_details") or {}
    sub = world.need("subscription", params["subscription"], "subscription") if params.get("subscription") else None
    if sub is not None and sub["status"] in subscription_shape.ENDED:
        raise InvalidRequest(
            "No upcoming invoices for customer: the subscription is canceled.", code="invoice_upcoming_none"
        )
    coupons = params.get("discounts") or []
    if sub is None and not details.get("items") and not params.get("invoice_items"):
        raise InvalidRequest("No upcoming invoices for customer.", code="invoice_upcoming_none")
    if sub is None:
        shown = in_vain(world, lambda scratch: _new(scratch, params, details, coupons))
    else:
        shown = in_vain(
            world, lambda scratch: _change(scratch, scratch.need("subscription", sub["id"]), params, details)
        )
        if shown is None:  # nothing is billed at once: the next renewal is what comes
            shown = in_vain(
                world, lambda scratch: _later(scratch, scratch.need("subscription", sub["id"]), params, details)
            )
    if shown is None:
        raise InvalidRequest("No upcoming invoices for customer.", code="invoice_upcoming_none")
    found: Obj = shown
    found["id"] = "upcoming_in_" + random_text(24)
    for line in found["lines"]["data"]:
        line["invoice"] = found["id"]
    return found


def _new(world: World, params: Params, details: Params, coupons: list[Params]) -> Obj:
    customer = (
        world.need("customer", params["customer"], "customer")
        if params.get("customer")
        else subscription_building.nobody(world)
    )
    if not details.get("items"):
        currency = check_currency(params.get("currency") or customer["currency"] or "usd")
        invoice = invoices.draft(world, customer, currency=currency, billing_reason="manual")
        return _with_items(world, invoice, params, coupons)
    given: Params = {
        key: details[key] for key in ("items", "trial_end", "metadata", "billing_cycle_anchor") if key in details
    }
    given["automatic_tax"] = params.get("automatic_tax") or {"enabled": False}
    _, invoice = subscription_building.build(world, customer, given | {"discounts": coupons})
    return _with_items(world, invoice, params, [])


def _with_items(world: World, invoice: Obj, params: Params, coupons: list[Params]) -> Obj:
    for given in params.get("invoice_items") or []:
        quantity = given.get("quantity", 1)
        amount = given.get("amount", given.get("unit_amount", 0) * quantity)
        invoices.add_line(
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


def _wanted(sub: Obj, details: Params) -> subscription_changes.Change:
    return subscription_changes.Change(
        items=details.get("items") or [],
        proration_behavior=details.get("proration_behavior", "create_prorations"),
        proration_date=details.get("proration_date"),
        anchor_now=details.get("billing_cycle_anchor") == "now",
        trial_end=details.get("trial_end"),
    )


def _change(world: World, sub: Obj, params: Params, details: Params) -> Obj | None:
    if details.get("cancel_now"):
        subscription_changes.give_back(world, sub)
        invoice = subscription_invoices.draft_invoice(world, sub, "manual")
        subscription_invoices.bill_usage(world, sub, invoice, subscription_shape.period(sub)[0], world.now)
        invoice_items.pull(world, invoice, invoice_items.pending(world, sub["customer"], sub["id"]))
        return _totalled(world, invoice)
    changed = subscription_changes.change(world, sub, _wanted(sub, details))
    return None if changed is None else _with_items(world, changed, params, params.get("discounts") or [])


def _later(world: World, sub: Obj, params: Params, details: Params) -> Obj | None:
    """The change is made now, its prorations wait, and the next renewal bills them."""
    subscription_changes.change(world, sub, _wanted(sub, details))
    if details.get("cancel_at_period_end", sub["cancel_at_period_end"]):
        return None
    _, end = subscription_shape.period(sub)
    world.now = end
    invoice = renewals.open_next_period(world, sub)
    return None if invoice is None else _with_items(world, invoice, params, params.get("discounts") or [])
