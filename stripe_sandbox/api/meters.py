"""Requests about meters and what was used by them."""

from __future__ import annotations

from ..errors import InvalidRequest
from ..objects import Params, StripeObject
from ..pagination import page, slice_of
from ..resources import meters
from ..routes import route
from ..world import World


@route("POST /v1/billing/meters", "billing.MeterCreateParams")
def create(world: World, params: Params) -> StripeObject:
    """Create a meter; only one active meter may listen to an event name."""
    if world.first("billing.meter", event_name=params["event_name"], status="active"):
        raise InvalidRequest(
            f"A meter with the event name {params['event_name']} already exists.",
            code="resource_already_exists",
            param="event_name",
        )
    mapping = params.get("customer_mapping") or {"event_payload_key": "stripe_customer_id", "type": "by_id"}
    meter = world.add(
        "billing.meter",
        customer_mapping={"event_payload_key": mapping["event_payload_key"], "type": "by_id"},
        default_aggregation={"formula": params["default_aggregation"]["formula"]},
        display_name=params["display_name"],
        event_name=params["event_name"],
        event_time_window=params.get("event_time_window"),
        status="active",
        status_transitions={"deactivated_at": None},
        updated=world.now,
        value_settings={"event_payload_key": (params.get("value_settings") or {}).get("event_payload_key", "value")},
    )
    world.emit("billing.meter.created", meter)
    return meter


@route("GET /v1/billing/meters", "billing.MeterListParams")
def index(world: World, params: Params) -> StripeObject:
    """Meters, newest first."""
    return page(world, params, "billing.meter", "/v1/billing/meters", status=params.get("status"))


@route("GET /v1/billing/meters/{id}")
def retrieve(world: World, params: Params, id: str) -> StripeObject:
    """One meter."""
    return world.at("billing.meter", id)


@route("POST /v1/billing/meters/{id}", "billing.MeterUpdateParams")
def update(world: World, params: Params, id: str) -> StripeObject:
    """Rename a meter."""
    meter = world.at("billing.meter", id)
    if "display_name" in params:
        meter["display_name"] = params["display_name"]
    meter["updated"] = world.now
    world.emit_update("billing.meter.updated", meter)
    return meter


@route("POST /v1/billing/meters/{id}/deactivate")
def deactivate(world: World, params: Params, id: str) -> StripeObject:
    """Stop taking events."""
    meter = world.at("billing.meter", id)
    meter["status"], meter["status_transitions"]["deactivated_at"] = "inactive", world.now
    world.emit("billing.meter.deactivated", meter)
    return meter


@route("POST /v1/billing/meters/{id}/reactivate")
def reactivate(world: World, params: Params, id: str) -> StripeObject:
    """Take events again."""
    meter = world.at("billing.meter", id)
    meter["status"], meter["status_transitions"]["deactivated_at"] = "active", None
    world.emit("billing.meter.reactivated", meter)
    return meter


@route("GET /v1/billing/meters/{id}/event_summaries", "billing.MeterListEventSummariesParams")
def summaries(world: World, params: Params, id: str) -> StripeObject:
    """What a customer used between two moments, as a whole or by hour or day (newest first)."""
    meter = world.at("billing.meter", id)
    start, end = params["start_time"], params["end_time"]
    if start % 60 or end % 60 or end <= start:
        raise InvalidRequest(
            "start_time and end_time must be in order and aligned with minute boundaries.", param="start_time"
        )
    step = {"hour": 3600, "day": 86400}.get(params.get("value_grouping_window") or "", end - start)
    found = []
    for begin in range(start, end, step):
        until = min(end, begin + step)
        value = meters.usage(world, id, params["customer"], begin, until)
        if value or step == end - start:
            found.append(
                {
                    "id": f"mtrusg_test_{meter['id'][-8:]}{begin}",
                    "object": "billing.meter_event_summary",
                    "aggregated_value": float(value),
                    "end_time": until,
                    "livemode": False,
                    "meter": id,
                    "start_time": begin,
                }
            )
    return slice_of(params, list(reversed(found)), f"/v1/billing/meters/{id}/event_summaries")
