"""Requests about subscription schedules."""

from __future__ import annotations

from ..errors import InvalidRequest, missing
from ..flows import schedule_phases, subscription_lifecycle
from ..objects import Params, StripeObject
from ..pagination import page
from ..resources import subscription_schedules, subscriptions
from ..routes import route
from ..values import merge_metadata
from ..world import World


@route("POST /v1/subscription_schedules", "SubscriptionScheduleCreateParams")
def create(world: World, params: Params) -> StripeObject:
    """From a subscription, as it stands; or for a customer, with phases."""
    if params.get("from_subscription"):
        if params.get("phases"):
            raise InvalidRequest("You cannot set `phases` if `from_subscription` is set.", param="phases")
        sub = world.need("subscription", params["from_subscription"], "from_subscription")
        if sub["status"] in subscriptions.ENDED:
            raise InvalidRequest(
                "You cannot migrate a subscription that is already canceled.", param="from_subscription"
            )
        if sub["schedule"]:
            raise InvalidRequest(
                "You cannot migrate a subscription that is already attached to a schedule: " + sub["schedule"],
                param="from_subscription",
            )
        schedule = subscription_schedules.blank(world, sub["customer"], params)
        schedule["phases"] = [subscription_schedules.phase_of(sub)]
        schedule["status"], schedule["subscription"] = "active", sub["id"]
        sub["schedule"] = schedule["id"]
        subscription_schedules.set_current(world, schedule)
        world.emit("subscription_schedule.created", schedule)
        world.emit_update("customer.subscription.updated", sub)
        return schedule
    for name in ("customer", "phases"):
        if not params.get(name):
            raise missing(name)
    customer = world.need("customer", params["customer"], "customer")
    start = params.get("start_date", world.now)
    schedule = subscription_schedules.blank(world, customer["id"], params)
    schedule["phases"] = subscription_schedules.read_phases(
        world, params["phases"], world.now if start == "now" else start
    )
    subscription_schedules.set_current(world, schedule)
    world.emit("subscription_schedule.created", schedule)
    if schedule["current_phase"]:
        schedule_phases.start(world, schedule)
    return schedule


@route("GET /v1/subscription_schedules", "SubscriptionScheduleListParams")
def index(world: World, params: Params) -> StripeObject:
    """Schedules, newest first."""
    return page(world, params, "subscription_schedule", "/v1/subscription_schedules", customer=params.get("customer"))


@route("GET /v1/subscription_schedules/{id}")
def retrieve(world: World, params: Params, id: str) -> StripeObject:
    """One schedule."""
    return world.at("subscription_schedule", id)


@route("POST /v1/subscription_schedules/{id}", "SubscriptionScheduleUpdateParams")
def update(world: World, params: Params, id: str) -> StripeObject:
    """Replace the phases. The one under way must stay the first, with its start."""
    schedule = world.at("subscription_schedule", id)
    if schedule["status"] not in subscription_schedules.RUNNING:
        raise InvalidRequest(
            f"You cannot update a subscription schedule that is currently in the `{schedule['status']}` status."
        )
    if "metadata" in params:
        schedule["metadata"] = merge_metadata(schedule["metadata"], params["metadata"])
    if "end_behavior" in params:
        schedule["end_behavior"] = params["end_behavior"]
    if "phases" in params:
        before = subscription_schedules.current(schedule, world.now)
        start = before["start_date"] if before else schedule["phases"][0]["start_date"]
        phases = subscription_schedules.read_phases(world, params["phases"], start)
        if before is not None and all(p["start_date"] != before["start_date"] for p in phases):
            raise InvalidRequest(
                "You can not modify the start date of the current phase.", param="phases[0][start_date]"
            )
        schedule["phases"] = phases
        subscription_schedules.set_current(world, schedule)
        after = subscription_schedules.current(schedule, world.now)
        sub = world.get(schedule["subscription"])
        if sub is not None and after is not None and before is not None and after["items"] != before["items"]:
            schedule_phases.apply(world, sub, after)
            world.emit_update("customer.subscription.updated", sub)
    world.emit_update("subscription_schedule.updated", schedule)
    return schedule


@route("POST /v1/subscription_schedules/{id}/release", "SubscriptionScheduleReleaseParams")
def release(world: World, params: Params, id: str) -> StripeObject:
    """Let the subscription go on without its schedule."""
    schedule = world.at("subscription_schedule", id)
    if schedule["status"] not in subscription_schedules.RUNNING:
        raise InvalidRequest(f"You cannot release a subscription schedule in the `{schedule['status']}` status.")
    subscription_schedules.close(world, schedule, "released")
    return schedule


@route("POST /v1/subscription_schedules/{id}/cancel", "SubscriptionScheduleCancelParams")
def cancel(world: World, params: Params, id: str) -> StripeObject:
    """Cancel the schedule and its subscription at once."""
    schedule = world.at("subscription_schedule", id)
    if schedule["status"] not in subscription_schedules.RUNNING:
        raise InvalidRequest(f"You cannot cancel a subscription schedule in the `{schedule['status']}` status.")
    sub = world.get(schedule["subscription"])
    if sub is not None and sub["status"] not in subscriptions.ENDED:
        subscription_lifecycle.end(world, sub)
    if schedule["status"] in subscription_schedules.RUNNING:
        subscription_schedules.close(world, schedule, "canceled")
    return schedule
