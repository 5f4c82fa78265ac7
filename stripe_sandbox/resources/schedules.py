"""Subscription schedules: what a subscription becomes, phase by phase (a downgrade at renewal, for instance)."""

from __future__ import annotations

from typing import Any

from ..errors import InvalidRequest, missing
from ..lists import page
from ..parameters import Params
from ..periods import nth
from ..routes import route
from ..store import Obj
from ..timeline import when
from ..values import merge_metadata, nulls
from ..world import World
from . import collection, invoices, subscription_building, subscription_changes, subscription_shape, subscriptions

_RUNNING = ("active", "not_started")


def _phase_of(sub: Obj) -> Obj:
    """The subscription as it stands, as a phase."""
    start, end = subscription_shape.period(sub)
    return _phase(
        sub["currency"],
        [_phase_item(i["price"]["id"], i.get("quantity"), i["metadata"]) for i in subscription_shape.items(sub)],
        start=start,
        end=end,
        metadata={},
    )


def _phase_item(price: str, quantity: int | None, metadata: Any = None) -> Obj:
    item: Obj = {
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


def _phase(currency: str, items: list[Obj], *, start: int, end: int, metadata: Any, given: Params | None = None) -> Obj:
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


def _blank(world: World, customer: str, params: Params) -> Obj:
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


def _read_phases(world: World, given: list[Params], start: int) -> list[Obj]:
    phases: list[Obj] = []
    moment = start
    for index, entry in enumerate(given):
        where = f"phases[{index}]"
        begins = entry.get("start_date", moment)
        begins = world.now if begins == "now" else begins
        if index and begins != moment:
            raise InvalidRequest("Phases must follow each other without a gap.", param=f"{where}[start_date]")
        items = []
        for number, item in enumerate(entry["items"]):
            price = subscription_changes.price_for(world, item, f"{where}[items][{number}]")
            metered = price["recurring"]["usage_type"] == "metered"
            items.append(_phase_item(price["id"], None if metered else item.get("quantity", 1), item.get("metadata")))
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


def _current(schedule: Obj, moment: int) -> Obj | None:
    return next((p for p in schedule["phases"] if p["start_date"] <= moment < p["end_date"]), None)


def _set_current(world: World, schedule: Obj) -> None:
    phase = _current(schedule, world.now)
    schedule["current_phase"] = phase and {"end_date": phase["end_date"], "start_date": phase["start_date"]}
    world.unschedule(schedule["id"])
    if phase is not None:
        world.schedule("schedule.phase", schedule["id"], phase["end_date"])
    elif schedule["phases"] and schedule["phases"][0]["start_date"] > world.now:
        world.schedule("schedule.phase", schedule["id"], schedule["phases"][0]["start_date"])


@route("POST /v1/subscription_schedules", "SubscriptionScheduleCreateParams")
def create(world: World, params: Params) -> Obj:
    """From a subscription, as it stands; or for a customer, with phases."""
    if params.get("from_subscription"):
        if params.get("phases"):
            raise InvalidRequest("You cannot set `phases` if `from_subscription` is set.", param="phases")
        sub = world.need("subscription", params["from_subscription"], "from_subscription")
        if sub["status"] in subscription_shape.ENDED:
            raise InvalidRequest(
                "You cannot migrate a subscription that is already canceled.", param="from_subscription"
            )
        if sub["schedule"]:
            raise InvalidRequest(
                "You cannot migrate a subscription that is already attached to a schedule: " + sub["schedule"],
                param="from_subscription",
            )
        schedule = _blank(world, sub["customer"], params)
        schedule["phases"] = [_phase_of(sub)]
        schedule["status"], schedule["subscription"] = "active", sub["id"]
        sub["schedule"] = schedule["id"]
        _set_current(world, schedule)
        world.emit("subscription_schedule.created", schedule)
        world.emit_update("customer.subscription.updated", sub)
        return schedule
    for name in ("customer", "phases"):
        if not params.get(name):
            raise missing(name)
    customer = world.need("customer", params["customer"], "customer")
    start = params.get("start_date", world.now)
    schedule = _blank(world, customer["id"], params)
    schedule["phases"] = _read_phases(world, params["phases"], world.now if start == "now" else start)
    _set_current(world, schedule)
    world.emit("subscription_schedule.created", schedule)
    if schedule["current_phase"]:
        _start(world, schedule)
    return schedule


def _start(world: World, schedule: Obj) -> None:
    phase = _current(schedule, world.now)
    customer = world.need("customer", schedule["customer"])
    if phase is None:
        return
    given = {"items": [{k: i[k] for k in ("price", "quantity") if k in i} for i in phase["items"]]}
    sub, invoice = subscription_building.build(world, customer, given)
    sub["schedule"], schedule["subscription"], schedule["status"] = schedule["id"], sub["id"], "active"
    invoices.announce(world, invoice)
    status = collection.finalize_and_collect(world, invoice)
    if sub["status"] == "incomplete":
        if status == "paid":
            sub["status"] = "active"
        else:
            subscriptions.wait_for_first_payment(world, sub)
    world.emit_update("customer.subscription.updated", sub)
    world.emit_update("subscription_schedule.updated", schedule)


@route("GET /v1/subscription_schedules", "SubscriptionScheduleListParams")
def index(world: World, params: Params) -> Obj:
    """Schedules, newest first."""
    return page(world, params, "subscription_schedule", "/v1/subscription_schedules", customer=params.get("customer"))


@route("GET /v1/subscription_schedules/{id}")
def retrieve(world: World, params: Params, id: str) -> Obj:
    """One schedule."""
    return world.at("subscription_schedule", id)


@route("POST /v1/subscription_schedules/{id}", "SubscriptionScheduleUpdateParams")
def update(world: World, params: Params, id: str) -> Obj:
    """Replace the phases. The one under way must stay the first, with its start."""
    schedule = world.at("subscription_schedule", id)
    if schedule["status"] not in _RUNNING:
        raise InvalidRequest(
            f"You cannot update a subscription schedule that is currently in the `{schedule['status']}` status."
        )
    if "metadata" in params:
        schedule["metadata"] = merge_metadata(schedule["metadata"], params["metadata"])
    if "end_behavior" in params:
        schedule["end_behavior"] = params["end_behavior"]
    if "phases" in params:
        before = _current(schedule, world.now)
        start = before["start_date"] if before else schedule["phases"][0]["start_date"]
        phases = _read_phases(world, params["phases"], start)
        if before is not None and all(p["start_date"] != before["start_date"] for p in phases):
            raise InvalidRequest(
                "You can not modify the start date of the current phase.", param="phases[0][start_date]"
            )
        schedule["phases"] = phases
        _set_current(world, schedule)
        after = _current(schedule, world.now)
        sub = world.get(schedule["subscription"])
        if sub is not None and after is not None and before is not None and after["items"] != before["items"]:
            _apply(world, sub, after)
            world.emit_update("customer.subscription.updated", sub)
    world.emit_update("subscription_schedule.updated", schedule)
    return schedule


@route("POST /v1/subscription_schedules/{id}/release", "SubscriptionScheduleReleaseParams")
def release(world: World, params: Params, id: str) -> Obj:
    """Let the subscription go on without its schedule."""
    schedule = world.at("subscription_schedule", id)
    if schedule["status"] not in _RUNNING:
        raise InvalidRequest(f"You cannot release a subscription schedule in the `{schedule['status']}` status.")
    close(world, schedule, "released")
    return schedule


@route("POST /v1/subscription_schedules/{id}/cancel", "SubscriptionScheduleCancelParams")
def cancel(world: World, params: Params, id: str) -> Obj:
    """Cancel the schedule and its subscription at once."""
    schedule = world.at("subscription_schedule", id)
    if schedule["status"] not in _RUNNING:
        raise InvalidRequest(f"You cannot cancel a subscription schedule in the `{schedule['status']}` status.")
    sub = world.get(schedule["subscription"])
    if sub is not None and sub["status"] not in subscription_shape.ENDED:
        subscriptions.end(world, sub)
    if schedule["status"] in _RUNNING:
        close(world, schedule, "canceled")
    return schedule


def close(world: World, schedule: Obj, status: str) -> None:
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


def follow(world: World, sub: Obj, items: list[Params]) -> None:
    """The items of a scheduled subscription are changed directly: the phase under way says so too, as at Stripe."""
    schedule = world.get(sub["schedule"])
    phase = _current(schedule, world.now) if schedule is not None and items else None
    if schedule is None or phase is None:
        return
    changed = subscription_changes.changed_items(world, sub, items)
    phase["items"] = [_phase_item(i["price"]["id"], i.get("quantity"), i["metadata"]) for i in changed]
    world.emit_update("subscription_schedule.updated", schedule)


def _apply(world: World, sub: Obj, phase: Obj, *, at_renewal: bool = False) -> None:
    """Put the subscription on the items of a phase; prorated, unless the period begins just now."""
    wanted = {item["price"]: item for item in phase["items"]}
    items: list[Params] = []
    held = subscription_shape.items(sub)
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


def enter_next_phase(world: World, sub: Obj, *, at_renewal: bool) -> None:
    """If a phase of the subscription's schedule has ended, enter the next, or end the schedule as it says."""
    schedule = world.get(sub["schedule"])
    if schedule is None or schedule["status"] != "active":
        return
    held = schedule["current_phase"]
    if held is None or held["end_date"] > world.now:
        return
    phase = _current(schedule, world.now)
    if phase is not None:
        _apply(world, sub, phase, at_renewal=at_renewal)
        _set_current(world, schedule)
        world.emit_update("subscription_schedule.updated", schedule)
    elif schedule["end_behavior"] == "cancel":
        close(world, schedule, "completed")
        subscriptions.end(world, sub)
    else:
        close(world, schedule, "released")


@when("schedule.phase")
def _phase_falls_due(world: World, schedule_id: str) -> None:
    schedule = world.get(schedule_id)
    if schedule is None or schedule["status"] not in _RUNNING:
        return
    if schedule["status"] == "not_started":
        _set_current(world, schedule)
        _start(world, schedule)
        return
    sub = world.need("subscription", schedule["subscription"])
    if subscription_shape.period(sub)[1] <= world.now:
        return  # the renewal due at this very moment enters the phase
    enter_next_phase(world, sub, at_renewal=False)
    world.emit_update("customer.subscription.updated", sub)
