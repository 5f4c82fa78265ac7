"""Checking an event that a product reports: all that needs only the event itself, the catalogue and a clock.

Every reject code but `id_conflict` comes from here: that one needs the database. Written for a loop over a thousand
events: on the way of a good one no objects are made but the result.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from core.quantities import LARGEST, ZERO, NotExact, TooManyPlaces, exact_quantity
from plans.engine.billable_rules import BillableRule
from usage.engine.billable import why_not_billable
from usage.errors import EventRejected

OLDEST = timedelta(days=35)
FURTHEST_AHEAD = timedelta(minutes=5)
LONGEST_NAME = 255
LONGEST_STATUS = 40
MOST_PROPERTY_BYTES = 16 * 1024
MOST_MILLISECONDS = 2**63 - 1
ONE = Decimal(1)
FIELDS = frozenset(
    {"id", "organization", "meter", "timestamp", "quantity", "status", "duration_ms", "subject", "properties"}
)

_quoted = json.encoder.encode_basestring
# Numbers keep every digit, which `json.dumps` would not grant a Decimal.
_SCALARS: dict[type, Callable[[Any], str]] = {
    str: _quoted,
    int: str,
    Decimal: str,
    bool: lambda value: "true" if value else "false",
    type(None): lambda value: "null",
}


@dataclass(frozen=True, slots=True)
class EventMeter:
    """What has to be known of a meter to take its events in."""

    pk: int
    code: str
    aggregation: str
    rule: BillableRule


class ValidEvent(NamedTuple):
    """An event that passed, before it is known in which segment it counts. `properties` is JSON text.

    `is_timed` is false where the event left its time to us. `counted` is what it adds to its meter: its quantity (sum),
    one (count, unique) or the reading (latest).
    """

    organization_id: int
    event_id: str
    meter: EventMeter
    event_at: datetime
    is_timed: bool
    quantity: Decimal
    status: str
    duration_ms: int | None
    subject: str
    properties: str
    not_billable: str
    counted: Decimal


def validate_event(
    raw: Any, *, organizations: Mapping[str, int], meters: Mapping[str, EventMeter], now: datetime
) -> ValidEvent:
    """What JSON gave, checked. `organizations` maps the public ids that the caller may report for to primary keys;
    `meters` are those in use, by code. Raises EventRejected.
    """
    if not isinstance(raw, dict):
        raise EventRejected("invalid", "An event must be an object.")
    if not raw.keys() <= FIELDS:
        raise EventRejected("invalid", f"Unknown field: {min(set(raw) - FIELDS)}.")
    event_id = _text(raw, "id", LONGEST_NAME)
    try:
        organization_id, meter = organizations[raw["organization"]], meters[raw["meter"]]
    except (KeyError, TypeError):
        raise _not_found(raw, organizations) from None
    status = _text(raw, "status", LONGEST_STATUS) if "status" in raw else "success"
    subject = _text(raw, "subject", LONGEST_NAME) if raw.get("subject") is not None else ""
    duration_ms = _milliseconds(raw["duration_ms"]) if raw.get("duration_ms") is not None else None
    given_at = raw.get("timestamp")
    event_at = now if given_at is None else _timestamp(given_at, now)
    properties = raw.get("properties")
    encoded = _flat_json(properties) if properties else _no_properties(properties)
    quantity = read_quantity(raw["quantity"]) if "quantity" in raw else ONE
    if meter.aggregation == "unique" and not subject:
        raise EventRejected("missing_subject", f"Events of {meter.code!r} need a subject: it counts different ones.")
    not_billable = why_not_billable(meter.rule, status=status, duration_ms=duration_ms, properties=properties or {})
    return ValidEvent(
        organization_id,
        event_id,
        meter,
        event_at,
        given_at is not None,
        quantity,
        status,
        duration_ms,
        subject,
        encoded,
        not_billable,
        ZERO if not_billable else quantity if meter.aggregation in ("sum", "latest") else ONE,
    )


def read_quantity(value: Any) -> Decimal:
    """Exact, zero or more, with six places. Raises EventRejected."""
    try:
        quantity = exact_quantity(value)
    except TooManyPlaces:
        raise EventRejected("invalid_quantity", "quantity may have at most six decimal places.") from None
    except NotExact:
        quantity = None
    if quantity is None or quantity < ZERO:
        raise EventRejected("invalid_quantity", f"quantity must be a decimal number from 0 to {LARGEST}.")
    return quantity


def _text(raw: dict[str, Any], name: str, longest: int) -> str:
    value = raw.get(name)
    if not isinstance(value, str) or not value or len(value) > longest:
        raise EventRejected("invalid", f"{name} must be a text of 1 to {longest} characters.")
    return value


def _not_found(raw: dict[str, Any], organizations: Mapping[str, int]) -> EventRejected:
    organization, code = _text(raw, "organization", LONGEST_NAME), _text(raw, "meter", LONGEST_NAME)
    if organization not in organizations:
        return EventRejected(
            "unknown_organization", "There is no organization with this id, or this key does not reach it."
        )
    return EventRejected("unknown_meter", f"There is no meter {code!r} in use.")


def _milliseconds(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MOST_MILLISECONDS:
        raise EventRejected("invalid", "duration_ms must be a whole number of milliseconds, zero or more.")
    return value


def _timestamp(value: Any, now: datetime) -> datetime:
    try:
        at = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        raise EventRejected("invalid", "timestamp must be an ISO 8601 time such as 2026-06-15T12:00:00Z.") from None
    if at.tzinfo is None:
        raise EventRejected("invalid", "timestamp must carry a time zone, such as 2026-06-15T12:00:00Z.")
    ahead = at - now
    if -ahead > OLDEST:
        raise EventRejected("too_old", f"timestamp lies more than {OLDEST.days} days back.")
    if ahead > FURTHEST_AHEAD:
        raise EventRejected("in_future", "timestamp lies more than 5 minutes ahead.")
    return at.astimezone(UTC)


def _no_properties(properties: Any) -> str:
    if properties is not None and properties != {}:
        raise EventRejected("invalid", "properties must be a flat object.")
    return "{}"


def _flat_json(properties: Any) -> str:
    if not isinstance(properties, dict):
        raise EventRejected("invalid", "properties must be a flat object.")
    try:
        members = [f"{_quoted(name)}:{_SCALARS[type(value)](value)}" for name, value in properties.items()]
    except KeyError:
        raise EventRejected("invalid", "properties must be a flat object: texts, numbers, booleans and null.") from None
    encoded = "{" + ",".join(members) + "}"
    if len(encoded) > MOST_PROPERTY_BYTES or len(encoded.encode()) > MOST_PROPERTY_BYTES:
        raise EventRejected("invalid", "properties must take at most 16 KiB.")
    return encoded
