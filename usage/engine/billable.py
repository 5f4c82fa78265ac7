"""Does an event count? A meter's billable rule decides, and says why not."""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from plans.engine.billable_rules import BillableRule, PropertyBound


def why_not_billable(
    rule: BillableRule,
    *,
    status: str,
    duration_ms: int | None,
    properties: Mapping[str, Any],
) -> str:
    """Empty when the event is billable; else the first condition it misses, in words that its record keeps.

    A condition on something the event does not say is missed: what was not measured is not charged. The latency is the
    numeric property `latency_ms`.
    """
    if rule.statuses and status not in rule.statuses:
        return f"status is {status}, which is not among {', '.join(sorted(rule.statuses))}"
    if rule.min_duration_ms is not None and (duration_ms is None or duration_ms < rule.min_duration_ms):
        return f"duration_ms is {'missing' if duration_ms is None else duration_ms}, less than {rule.min_duration_ms}"
    if rule.max_latency_ms is not None:
        latency = number(properties.get("latency_ms"))
        if latency is None or latency > rule.max_latency_ms:
            return f"latency_ms is {'missing' if latency is None else f'{latency:f}'}, more than {rule.max_latency_ms}"
    for bound in rule.property_bounds:
        if missed := _outside(bound, number(properties.get(bound.name))):
            return missed
    return ""


def number(value: Any) -> Decimal | None:
    """The exact number of a JSON number or a decimal string; None for anything else, NaN and infinity too."""
    if isinstance(value, bool) or not isinstance(value, (str, int, Decimal)):
        return None
    try:
        exact = Decimal(value)
    except InvalidOperation:
        return None
    return exact if exact.is_finite() else None


def _outside(bound: PropertyBound, value: Decimal | None) -> str:
    if value is None:
        return f"properties.{bound.name} is missing or no number"
    if bound.minimum is not None and value < bound.minimum:
        return f"properties.{bound.name} is {value:f}, less than {bound.minimum:f}"
    if bound.maximum is not None and value > bound.maximum:
        return f"properties.{bound.name} is {value:f}, more than {bound.maximum:f}"
    return ""
