"""From what a product reports to a fact: the checks that need only the event itself, the catalogue and a clock.

Written for a loop over a thousand events: no objects but the result are made on the way of a good one.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple

from core.quantities import LARGEST, STEP, ZERO
from plans.engine.billable_rules import BillableRule
from usage.engine.billable import why_not_billable

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

_DECIMAL = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]{1,4})?", re.ASCII)
_quoted = json.encoder.encode_basestring
# Numbers keep every digit, which `json.dumps` would not grant a Decimal.
_SCALARS: dict[type, Callable[[Any], str]] = {
    str: _quoted,
    int: str,
    Decimal: str,
    bool: lambda value: "true" if value else "false",
    type(None): lambda value: "null",
}


class Refused(Exception):
    """An event that is not taken; `code` is one of the reject codes of the API."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


@dataclass(frozen=True, slots=True)
class Measured:
    """What has to be known of a meter in use to take its events."""

    pk: int
    code: str
    aggregation: str
    rule: BillableRule


class Fact(NamedTuple):
    """An accepted event, before it is known where it counts. `properties` is JSON text.

    `is_timed` is false where the event left its time to us. `counted` is what it adds to its meter: its quantity (sum),
    one (count, unique) or the reading (latest).
    """

    organization_id: int
    event_id: str
    meter: Measured
    event_at: datetime
    is_timed: bool
    quantity: Decimal
    status: str
    duration_ms: int | None
    subject: str
    properties: str
    not_billable: str
    counted: Decimal


def read_fact(raw: Any, *, organizations: Mapping[str, int], meters: Mapping[str, Measured], now: datetime) -> Fact:
    """The fact an event states. `organizations` maps the public ids within reach. Raises Refused."""
    if not isinstance(raw, dict):
        raise Refused("invalid", "An event must be an object.")
    if not raw.keys() <= FIELDS:
        raise Refused("invalid", f"Unknown field: {min(set(raw) - FIELDS)}.")
    event_id = _text(raw, "id", LONGEST_NAME)
    try:
        organization_id, meter = organizations[raw["organization"]], meters[raw["meter"]]
    except (KeyError, TypeError):
        raise _not_found(raw, organizations) from None
    status = _text(raw, "status", LONGEST_STATUS) if "status" in raw else "success"
    subject = _text(raw, "subject", LONGEST_NAME) if raw.get("subject") is not None else ""
    duration_ms = _milliseconds(raw["duration_ms"]) if raw.get("duration_ms") is not None else None
    given_at = raw.get("timestamp")
    event_at = now if given_at is None else _instant(given_at, now)
    properties = raw.get("properties")
    encoded = _flat_json(properties) if properties else _empty(properties)
    quantity = read_quantity(raw["quantity"]) if "quantity" in raw else ONE
    if meter.aggregation == "unique" and not subject:
        raise Refused("missing_subject", f"Events of {meter.code!r} need a subject: it counts different ones.")
    not_billable = why_not_billable(meter.rule, status=status, duration_ms=duration_ms, properties=properties or {})
    return Fact(
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
    """Exact, zero or more, with six places. Raises Refused."""
    if isinstance(value, str):
        number = Decimal(value) if _DECIMAL.fullmatch(value) else None
    elif isinstance(value, (int, Decimal)) and not isinstance(value, bool):
        number = Decimal(value)
    else:
        number = None
    if number is None or not ZERO <= number <= LARGEST:
        raise Refused("invalid_quantity", f"quantity must be a decimal number from 0 to {LARGEST}.")
    try:
        exact = number.quantize(STEP)
    except InvalidOperation:  # more digits than the context has: its places are beyond six for certain
        exact = None
    if exact is None or exact != number:
        raise Refused("invalid_quantity", "quantity may have at most six decimal places.")
    return exact


def _text(raw: dict[str, Any], name: str, longest: int) -> str:
    value = raw.get(name)
    if not isinstance(value, str) or not value or len(value) > longest:
        raise Refused("invalid", f"{name} must be a text of 1 to {longest} characters.")
    return value


def _not_found(raw: dict[str, Any], organizations: Mapping[str, int]) -> Refused:
    organization, code = _text(raw, "organization", LONGEST_NAME), _text(raw, "meter", LONGEST_NAME)
    if organization not in organizations:
        return Refused("unknown_organization", "There is no organization with this id, or this key does not reach it.")
    return Refused("unknown_meter", f"There is no meter {code!r} in use.")


def _milliseconds(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MOST_MILLISECONDS:
        raise Refused("invalid", "duration_ms must be a whole number of milliseconds, zero or more.")
    return value


def _instant(value: Any, now: datetime) -> datetime:
    try:
        moment = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        raise Refused("invalid", "timestamp must be an ISO 8601 time such as 2026-06-15T12:00:00Z.") from None
    if moment.tzinfo is None:
        raise Refused("invalid", "timestamp must carry a time zone, such as 2026-06-15T12:00:00Z.")
    ahead = moment - now
    if -ahead > OLDEST:
        raise Refused("too_old", f"timestamp lies more than {OLDEST.days} days back.")
    if ahead > FURTHEST_AHEAD:
        raise Refused("in_future", "timestamp lies more than 5 minutes ahead.")
    return moment.astimezone(UTC)


def _empty(properties: Any) -> str:
    if properties is not None and properties != {}:
        raise Refused("invalid", "properties must be a flat object.")
    return "{}"


def _flat_json(properties: Any) -> str:
    if not isinstance(properties, dict):
        raise Refused("invalid", "properties must be a flat object.")
    try:
        members = [f"{_quoted(name)}:{_SCALARS[type(value)](value)}" for name, value in properties.items()]
    except KeyError:
        raise Refused("invalid", "properties must be a flat object: texts, numbers, booleans and null.") from None
    encoded = "{" + ",".join(members) + "}"
    if len(encoded) > MOST_PROPERTY_BYTES or len(encoded.encode()) > MOST_PROPERTY_BYTES:
        raise Refused("invalid", "properties must take at most 16 KiB.")
    return encoded
