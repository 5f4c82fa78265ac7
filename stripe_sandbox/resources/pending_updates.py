"""Pending updates: changes of a subscription that wait until their invoice is paid."""

from __future__ import annotations

from ..objects import StripeObject
from ..world import World, public
from . import invoices, subscriptions

_PENDING_SECONDS = 23 * 3600


def hold_back(
    world: World, sub: StripeObject, invoice: StripeObject, before: StripeObject, after: StripeObject
) -> None:
    """Put the subscription back as it was, and remember what it becomes once the invoice is paid."""
    for name, value in before.items():
        sub[name] = value
    subscriptions.set_period(world, sub, *subscriptions.period(sub))
    expires = world.now + _PENDING_SECONDS
    sub["_pending"] = {"invoice": invoice["id"], "after": after}
    sub["pending_update"] = {
        "billing_cycle_anchor": after["billing_cycle_anchor"],
        "discounts": [],
        "expires_at": expires,
        "subscription_items": public(after["items"]["data"]),
        "trial_end": after["trial_end"],
        "trial_from_plan": False,
    }
    world.schedule("subscription.pending_update_expires", sub["id"], expires)


def apply(world: World, sub: StripeObject) -> None:
    """The payment came: the update takes effect."""
    for name, value in sub["_pending"]["after"].items():
        sub[name] = value
    sub["_pending"] = sub["pending_update"] = None
    world.unschedule(sub["id"], "subscription.pending_update_expires")
    subscriptions.set_period(world, sub, *subscriptions.period(sub))
    world.emit("customer.subscription.pending_update_applied", sub)
    world.emit_update("customer.subscription.updated", sub)


def drop(world: World, sub: StripeObject) -> None:
    """The payment did not come in time: the update is forgotten and its invoice taken back."""
    invoice = world.get(sub["_pending"]["invoice"])
    sub["_pending"] = sub["pending_update"] = None
    world.unschedule(sub["id"], "subscription.pending_update_expires")
    if invoice is not None and invoice["status"] == "open":
        invoices.void(world, invoice)
    world.emit("customer.subscription.pending_update_expired", sub)
