"""From what a product reports to a fact: the checks that need only the event itself, the catalogue and a clock.

Written for a loop over a thousand events: no objects but the result are made on the way of a good one.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple

from plans.engine.rules import BillableRule
from usage.engine.billable import why_not_billable

OLDEST = timedelta(days=35)
FURTHEST_AHEAD = timedelta(minutes=5)
LONGEST_NAME = 255
LONGEST_STATUS = 40
MOST_PROPERTY_BYTES = 16 * 1024
MOST_MILLISECONDS = 2**63 - 1
LARGEST = Decimal("99999999999999.999999")
STEP = Decimal("0.000001")
ZERO, ONE = Decimal(0), Decimal(1)
FIELDS = frozenset(
    {"id", "organization", "meter", "timestamp", "quantity", "status", "duration_ms", "subject", "properties"}
)

_DECIMAL = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]{1,4})?", re.ASCII)
_quoted = json.encoder.encode_basestring


class Refused(Exception):
    """An event that is not taken; `code` is one of the reject codes of the API."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


@dataclass(frozen=True, slots=True)
class Measured:
    """What has to be known of a meter to take its events."""

    pk: int
    code: str
    aggregation: str
    rule: BillableRule
    retired: bool = False


class Fact(NamedTuple):
    """An accepted event, before it is known where it counts. `properties` is JSON text, `content` what it said, hashed.

    `counted` is what it adds to its meter: its quantity (sum), one (count, unique) or the reading (latest).
    """

    organization_id: int
    event_id: str
    meter: Measured
    event_at: datetime
    quantity: Decimal
    status: str
    duration_ms: int | None
    subject: str
    properties: str
    not_billable: str
    counted: Decimal
    content: bytes


def read_fact(
    raw: Any, *, organizations: Mapping[str, int], meters: Mapping[str, Measured], oldest: datetime, now: datetime
) -> Fact:
    """The fact an event states. `organizations` maps the public ids within reach. Raises Refused."""
    if not isinstance(raw, dict):
        raise Refused("invalid", "An event must be an object.")
    if not raw.keys() <= FIELDS:
        raise Refused("invalid", f"Unknown field: {min(set(raw) - FIELDS)}.")
    event_id = _text(raw, "id", LONGEST_NAME)
    organization = _text(raw, "organization", LONGEST_NAME)
    code = _text(raw, "meter", LONGEST_NAME)
    status = _text(raw, "status", LONGEST_STATUS) if "status" in raw else "success"
    subject = _text(raw, "subject", LONGEST_NAME) if raw.get("subject") is not None else ""
    duration_ms = _milliseconds(raw["duration_ms"]) if raw.get("duration_ms") is not None else None
    given_at = _instant(raw["timestamp"]) if raw.get("timestamp") is not None else None
    properties = raw.get("properties")
    encoded = _flat_json(properties) if properties else _empty(properties)
    organization_id = organizations.get(organization)
    if organization_id is None:
        raise Refused("unknown_organization", "There is no organization with this id, or this key does not reach it.")
    meter = meters.get(code)
    if meter is None or meter.retired:
        raise Refused("unknown_meter", f"There is no meter {code!r} in use.")
    quantity = read_quantity(raw["quantity"]) if "quantity" in raw else ONE
    event_at = now if given_at is None else _within(given_at, oldest, now)
    if meter.aggregation == "unique" and not subject:
        raise Refused("missing_subject", f"Events of {code!r} need a subject: it counts different ones.")
    not_billable = why_not_billable(meter.rule, status=status, duration_ms=duration_ms, properties=properties or {})
    moment = given_at.isoformat() if given_at else ""
    said = "\x1f".join((code, moment, str(quantity), status, str(duration_ms), subject, encoded))
    return Fact(
        organization_id,
        event_id,
        meter,
        event_at,
        quantity,
        status,
        duration_ms,
        subject,
        encoded,
        not_billable,
        ZERO if not_billable else quantity if meter.aggregation in ("sum", "latest") else ONE,
        hashlib.blake2b(said.encode(), digest_size=16).digest(),
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


def _milliseconds(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MOST_MILLISECONDS:
        raise Refused("invalid", "duration_ms must be a whole number of milliseconds, zero or more.")
    return value


def _instant(value: Any) -> datetime:
    try:
        moment = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        raise Refused("invalid", "timestamp must be an ISO 8601 time such as 2026-06-15T12:00:00Z.") from None
    if moment.tzinfo is None:
        raise Refused("invalid", "timestamp must carry a time zone, such as 2026-06-15T12:00:00Z.")
    return moment


def _within(moment: datetime, oldest: datetime, now: datetime) -> datetime:
    if moment < oldest:
        raise Refused("too_old", f"timestamp lies more than {OLDEST.days} days back.")
    if moment > now + FURTHEST_AHEAD:
        raise Refused("in_future", "timestamp lies more than 5 minutes ahead.")
    return moment.astimezone(UTC)


def _empty(properties: Any) -> str:
    if properties is not None and properties != {}:
        raise Refused("invalid", "properties must be a flat object.")
    return "{}"


def _flat_json(properties: Any) -> str:
    if not isinstance(properties, dict):
        raise Refused("invalid", "properties must be a flat object.")
    encoded = "{" + ",".join(f"{_quoted(name)}:{_scalar(value)}" for name, value in sorted(properties.items())) + "}"
    if len(encoded) > MOST_PROPERTY_BYTES or len(encoded.encode()) > MOST_PROPERTY_BYTES:
        raise Refused("invalid", "properties must take at most 16 KiB.")
    return encoded


def _scalar(value: Any) -> str:
    """Numbers keep every digit, which `json.dumps` would not grant a Decimal."""
    if isinstance(value, str):
        return _quoted(value)
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, Decimal)):
        return str(value)
    raise Refused("invalid", "properties must be a flat object: texts, numbers, booleans and null.")
