"""Subscription schedules: what a subscription becomes, phase by phase (a downgrade at renewal, for instance)."""

from __future__ import annotations

from typing import Any

from ..errors import InvalidRequest
from ..objects import Params, StripeObject
from ..periods import nth
from ..values import merge_metadata, nulls
from ..world import World
from . import subscription_items, subscriptions

RUNNING = ("active", "not_started")


def phase_of(sub: StripeObject) -> StripeObject:
    """The subscription as it stands, as a phase."""
    start, end = subscriptions.period(sub)
    return _phase(
        sub["currency"],
        [phase_item(i["price"]["id"], i.get("quantity"), i["metadata"]) for i in subscriptions.items(sub)],
        start=start,
        end=end,
        metadata={},
    )


def phase_item(price: str, quantity: int | None, metadata: Any = None) -> StripeObject:
    """One item of a phase; metered prices have no quantity."""
    item: StripeObject = {
        "billing_thresholds": None,
        "discounts": [],
        "metadata": merge_metadata({}, metadata),
        "plan": price,
        "price": price,
        "tax_rates": [],
    }
    if quantity is not None:
        item["quantity"] = quantity
    return item


def _phase(
    currency: str, items: list[StripeObject], *, start: int, end: int, metadata: Any, given: Params | None = None
) -> StripeObject:
    given = given or {}
    return nulls(
        "application_fee_percent billing_cycle_anchor billing_thresholds collection_method default_payment_method "
        "description invoice_settings on_behalf_of transfer_data"
    ) | {
        "add_invoice_items": [],
        "currency": currency,
        "default_tax_rates": [],
        "discounts": [],
        "end_date": end,
        "items": items,
        "metadata": merge_metadata({}, metadata),
        "proration_behavior": given.get("proration_behavior", "create_prorations"),
        "start_date": start,
        "trial_end": given.get("trial_end"),
    }


def blank(world: World, customer: str, params: Params) -> StripeObject:
    """A schedule without phases, not yet announced."""
    return world.add(
        "subscription_schedule",
        **nulls(
            "application canceled_at completed_at current_phase customer_account released_at released_subscription "
            "subscription test_clock"
        )
        | {
            "billing_mode": {"flexible": None, "type": "classic"},
            "customer": customer,
            "default_settings": nulls(
                "application_fee_percent billing_thresholds default_payment_method description on_behalf_of "
                "transfer_data"
            )
            | {
                "automatic_tax": {"disabled_reason": None, "enabled": False, "liability": None},
                "billing_cycle_anchor": "automatic",
                "collection_method": "charge_automatically",
                "invoice_settings": nulls("account_tax_ids custom_fields days_until_due description footer")
                | {"issuer": {"type": "self"}},
            },
            "end_behavior": params.get("end_behavior", "release"),
            "metadata": merge_metadata({}, params.get("metadata")),
            "phases": [],
            "status": "not_started",
        },
    )


def read_phases(world: World, given: list[Params], start: int) -> list[StripeObject]:
    """The phases that a request describes, one after the other from ``start``."""
    phases: list[StripeObject] = []
    moment = start
    for index, entry in enumerate(given):
        where = f"phases[{index}]"
        begins = entry.get("start_date", moment)
        begins = world.now if begins == "now" else begins
        if index and begins != moment:
            raise InvalidRequest("Phases must follow each other without a gap.", param=f"{where}[start_date]")
        items = []
        for number, item in enumerate(entry["items"]):
            price = subscription_items.price_for(world, item, f"{where}[items][{number}]")
            metered = price["recurring"]["usage_type"] == "metered"
            items.append(phase_item(price["id"], None if metered else item.get("quantity", 1), item.get("metadata")))
        first = world.need("price", items[0]["price"])
        if entry.get("end_date") == "now":
            ends = world.now
        elif entry.get("end_date"):
            ends = entry["end_date"]
        else:
            span = entry.get("duration") or {}
            recurring = first["recurring"]
            ends = nth(
                begins,
                span.get("interval", recurring["interval"]),
                span.get("interval_count", 1 if span else recurring["interval_count"]),
                1,
            )
        if ends <= begins:
            raise InvalidRequest("A phase must end after it starts.", param=f"{where}[end_date]")
        phases.append(
            _phase(first["currency"], items, start=begins, end=ends, metadata=entry.get("metadata"), given=entry)
        )
        moment = ends
    return phases


def current(schedule: StripeObject, moment: int) -> StripeObject | None:
    """The phase under way at a moment."""
    return next((p for p in schedule["phases"] if p["start_date"] <= moment < p["end_date"]), None)


def set_current(world: World, schedule: StripeObject) -> None:
    """Note which phase is under way now, and when the next one begins."""
    phase = current(schedule, world.now)
    schedule["current_phase"] = phase and {"end_date": phase["end_date"], "start_date": phase["start_date"]}
    world.unschedule(schedule["id"])
    if phase is not None:
        world.schedule("schedule.phase", schedule["id"], phase["end_date"])
    elif schedule["phases"] and schedule["phases"][0]["start_date"] > world.now:
        world.schedule("schedule.phase", schedule["id"], schedule["phases"][0]["start_date"])


def close(world: World, schedule: StripeObject, status: str) -> None:
    """End a schedule as ``released``, ``completed`` or ``canceled``; the subscription itself is left alone."""
    world.unschedule(schedule["id"])
    schedule["status"], schedule["current_phase"] = status, None
    schedule[f"{status}_at"] = world.now
    sub = world.get(schedule["subscription"])
    if status in ("released", "completed") and sub is not None:
        schedule["subscription"] = None if status == "released" else sub["id"]
        schedule["released_subscription"] = sub["id"] if status == "released" else None
        sub["schedule"] = None
        world.emit_update("customer.subscription.updated", sub)
    world.emit(f"subscription_schedule.{status}", schedule)
