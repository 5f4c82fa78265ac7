"""Phases of subscription schedules: entering them, and keeping them in step with their subscription."""

from __future__ import annotations

from ..clock import when
from ..objects import Params, StripeObject
from ..resources import invoices, subscription_schedules, subscriptions
from ..values import merge_metadata
from ..world import World
from . import collection, subscription_changes, subscription_creation, subscription_lifecycle


def start(world: World, schedule: StripeObject) -> None:
    """The first phase begins: make its subscription, with its first invoice."""
    phase = subscription_schedules.current(schedule, world.now)
    customer = world.need("customer", schedule["customer"])
    if phase is None:
        return
    given = {"items": [{k: i[k] for k in ("price", "quantity") if k in i} for i in phase["items"]]}
    sub, invoice = subscription_creation.make(world, customer, given)
    sub["schedule"], schedule["subscription"], schedule["status"] = schedule["id"], sub["id"], "active"
    invoices.announce(world, invoice)
    status = collection.finalize_and_collect(world, invoice)
    if sub["status"] == "incomplete":
        if status == "paid":
            sub["status"] = "active"
        else:
            subscription_lifecycle.wait_for_first_payment(world, sub)
    world.emit_update("customer.subscription.updated", sub)
    world.emit_update("subscription_schedule.updated", schedule)


def follow(world: World, sub: StripeObject, items: list[Params]) -> None:
    """The items of a scheduled subscription are changed directly: the phase under way says so too, as at Stripe."""
    schedule = world.get(sub["schedule"])
    phase = subscription_schedules.current(schedule, world.now) if schedule is not None and items else None
    if schedule is None or phase is None:
        return
    changed = subscription_changes.changed_items(world, sub, items)
    phase["items"] = [
        subscription_schedules.phase_item(i["price"]["id"], i.get("quantity"), i["metadata"]) for i in changed
    ]
    world.emit_update("subscription_schedule.updated", schedule)


def apply(world: World, sub: StripeObject, phase: StripeObject, *, at_renewal: bool = False) -> None:
    """Put the subscription on the items of a phase; prorated, unless the period begins just now."""
    wanted = {item["price"]: item for item in phase["items"]}
    items: list[Params] = []
    held = subscriptions.items(sub)
    for item in held:
        match = wanted.pop(item["price"]["id"], None)
        if match is None:
            items.append({"id": item["id"], "deleted": True})
        elif match.get("quantity") != item.get("quantity"):
            items.append({"id": item["id"], "quantity": match["quantity"]})
    items += [{k: item[k] for k in ("price", "quantity", "metadata") if k in item} for item in wanted.values()]
    if items and at_renewal:
        sub["items"]["data"] = subscription_changes.changed_items(world, sub, items)
    elif items:
        wish = subscription_changes.Change(
            items=items, proration_behavior=phase["proration_behavior"], off_session=True
        )
        subscription_changes.carry_out(world, sub, wish)
    if phase["metadata"]:
        sub["metadata"] = merge_metadata(sub["metadata"], phase["metadata"])


def enter_next_phase(world: World, sub: StripeObject, *, at_renewal: bool) -> None:
    """If a phase of the subscription's schedule has ended, enter the next, or end the schedule as it says."""
    schedule = world.get(sub["schedule"])
    if schedule is None or schedule["status"] != "active":
        return
    held = schedule["current_phase"]
    if held is None or held["end_date"] > world.now:
        return
    phase = subscription_schedules.current(schedule, world.now)
    if phase is not None:
        apply(world, sub, phase, at_renewal=at_renewal)
        subscription_schedules.set_current(world, schedule)
        world.emit_update("subscription_schedule.updated", schedule)
    elif schedule["end_behavior"] == "cancel":
        subscription_schedules.close(world, schedule, "completed")
        subscription_lifecycle.end(world, sub)
    else:
        subscription_schedules.close(world, schedule, "released")


@when("schedule.phase")
def _phase_falls_due(world: World, schedule_id: str) -> None:
    schedule = world.get(schedule_id)
    if schedule is None or schedule["status"] not in subscription_schedules.RUNNING:
        return
    if schedule["status"] == "not_started":
        subscription_schedules.set_current(world, schedule)
        start(world, schedule)
        return
    sub = world.need("subscription", schedule["subscription"])
    if subscriptions.period(sub)[1] <= world.now:
        return  # the renewal due at this very moment enters the phase
    enter_next_phase(world, sub, at_renewal=False)
    world.emit_update("customer.subscription.updated", sub)
