"""Requests about meter events."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

from ..errors import InvalidRequest
from ..ids import random_text
from ..objects import Params, StripeObject
from ..routes import route
from ..world import World

_OLDEST_SECONDS = 35 * 86400

_AHEAD_SECONDS = 300


@route("POST /v1/billing/meter_events", "billing.MeterEventCreateParams")
def create(world: World, params: Params) -> StripeObject:
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
def adjust(world: World, params: Params) -> StripeObject:
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
