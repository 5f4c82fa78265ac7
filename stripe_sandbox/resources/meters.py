"""Meters, meter events, and what they add up to."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

from ..errors import InvalidRequest
from ..ids import random_text
from ..lists import page, slice_of
from ..parameters import Params
from ..routes import route
from ..store import Obj
from ..world import VIEWS, World

_OLDEST_SECONDS = 35 * 86400
_AHEAD_SECONDS = 300


def usage(world: World, meter_id: str, customer: str, start: int, end: int) -> Decimal:
    """A customer's usage in ``[start, end)`` by the meter's formula; zero when nothing was reported."""
    meter = world.need("billing.meter", meter_id)
    world.flush()
    found = [
        event
        for event in world.store.select(
            "billing.meter_event",
            equal={"event_name": meter["event_name"], "_customer": customer},
            oldest_first=True,
        )
        if start <= event["timestamp"] < end
    ]
    formula = meter["default_aggregation"]["formula"]
    if formula == "count":
        return Decimal(len(found))
    if formula == "sum":
        return sum((Decimal(event["_value"]) for event in found), Decimal(0))
    if not found:
        return Decimal(0)
    # Same timestamp: the one received later counts.
    return Decimal(max(enumerate(found), key=lambda pair: (pair[1]["timestamp"], pair[0]))[1]["_value"])


@route("POST /v1/billing/meters", "billing.MeterCreateParams")
def create(world: World, params: Params) -> Obj:
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
def index(world: World, params: Params) -> Obj:
    """Meters, newest first."""
    return page(world, params, "billing.meter", "/v1/billing/meters", status=params.get("status"))


@route("GET /v1/billing/meters/{id}")
def retrieve(world: World, params: Params, id: str) -> Obj:
    """One meter."""
    return world.at("billing.meter", id)


@route("POST /v1/billing/meters/{id}", "billing.MeterUpdateParams")
def update(world: World, params: Params, id: str) -> Obj:
    """Rename a meter."""
    meter = world.at("billing.meter", id)
    if "display_name" in params:
        meter["display_name"] = params["display_name"]
    meter["updated"] = world.now
    world.emit_update("billing.meter.updated", meter)
    return meter


@route("POST /v1/billing/meters/{id}/deactivate")
def deactivate(world: World, params: Params, id: str) -> Obj:
    """Stop taking events."""
    meter = world.at("billing.meter", id)
    meter["status"], meter["status_transitions"]["deactivated_at"] = "inactive", world.now
    world.emit("billing.meter.deactivated", meter)
    return meter


@route("POST /v1/billing/meters/{id}/reactivate")
def reactivate(world: World, params: Params, id: str) -> Obj:
    """Take events again."""
    meter = world.at("billing.meter", id)
    meter["status"], meter["status_transitions"]["deactivated_at"] = "active", None
    world.emit("billing.meter.reactivated", meter)
    return meter


@route("POST /v1/billing/meter_events", "billing.MeterEventCreateParams")
def create_event(world: World, params: Params) -> Obj:
    """Take one event. The same identifier within 24 hours is refused as a duplicate, as at Stripe.

    Unlike Stripe, which finds out later, a payload that cannot be counted is refused at once.
    """
    meter = world.first("billing.meter", event_name=params["event_name"], status="active")
    if meter is None:
        raise InvalidRequest(
            f"No active meter found for event name {params['event_name']}.", code="no_meter", param="event_name"
        )
    timestamp = params.get("timestamp", world.now)
    if timestamp < world.now - _OLDEST_SECONDS:
        raise InvalidRequest(
            "The timestamp must be within the past 35 calendar days.",
            code="timestamp_too_far_in_past",
            param="timestamp",
        )
    if timestamp > world.now + _AHEAD_SECONDS:
        raise InvalidRequest(
            "The timestamp must not be more than 5 minutes in the future.",
            code="timestamp_in_future",
            param="timestamp",
        )
    payload = params["payload"]
    customer_key = meter["customer_mapping"]["event_payload_key"]
    customer = world.need("customer", payload.get(customer_key), f"payload[{customer_key}]")
    value_key = meter["value_settings"]["event_payload_key"]
    value = payload.get(value_key, "1" if meter["default_aggregation"]["formula"] == "count" else None)
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        raise InvalidRequest(
            "The payload's value must be a number.", code="meter_event_invalid_value", param=f"payload[{value_key}]"
        ) from None
    identifier = params.get("identifier") or random_text(32)
    for known in world.find("billing.meter_event", identifier=identifier):
        if known["created"] > world.now - 86400:
            raise InvalidRequest(
                f"An event already exists with identifier {identifier}.",
                code="duplicate_meter_event",
                param="identifier",
            )
    return world.add(
        "billing.meter_event",
        id="mevt_" + random_text(24),
        event_name=params["event_name"],
        identifier=identifier,
        payload=payload,
        timestamp=timestamp,
        _customer=customer["id"],
        _value=str(number),
    )


@route("POST /v1/billing/meter_event_adjustments", "billing.MeterEventAdjustmentCreateParams")
def adjust(world: World, params: Params) -> Obj:
    """Cancel an event by its identifier."""
    identifier = (params.get("cancel") or {}).get("identifier")
    event = world.first("billing.meter_event", identifier=identifier, event_name=params["event_name"])
    if event is None:
        raise InvalidRequest(
            f"No event exists with identifier {identifier}.", code="resource_missing", param="cancel[identifier]"
        )
    event["_value"], event["_customer"] = "0", None
    return {
        "object": "billing.meter_event_adjustment",
        "cancel": {"identifier": identifier},
        "event_name": params["event_name"],
        "livemode": False,
        "status": "complete",
        "type": "cancel",
    }


@route("GET /v1/billing/meters/{id}/event_summaries", "billing.MeterListEventSummariesParams")
def summaries(world: World, params: Params, id: str) -> Obj:
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
        value = usage(world, id, params["customer"], begin, until)
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


def _without_id(event: Obj) -> Obj:
    return {key: value for key, value in event.items() if key != "id"}


VIEWS["billing.meter_event"] = _without_id  # Stripe's have none either: the identifier names them
