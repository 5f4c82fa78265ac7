"""Meters: what the events of a customer add up to."""

from __future__ import annotations

from decimal import Decimal

from ..objects import StripeObject
from ..world import VIEWS, World


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


def _without_id(event: StripeObject) -> StripeObject:
    return {key: value for key, value in event.items() if key != "id"}


VIEWS["billing.meter_event"] = _without_id  # Stripe's have none either: the identifier names them
