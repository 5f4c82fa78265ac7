"""Reading Stripe's JSON: ids that may be expanded, times in seconds, lists in envelopes."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

StripeObject = dict[str, Any]
"""An object as Stripe's API gives it. What is in it is read by the dataclasses of this package, so that a new version
of the API changes them and nothing else.
"""


def id_of(value: object) -> str | None:
    """`"cus_1"`, `{"id": "cus_1", …}` and None alike."""
    if isinstance(value, Mapping):
        value = value.get("id")
    return str(value) if value else None


def expanded(value: object) -> StripeObject | None:
    """The object, if it stands there in full."""
    return dict(value) if isinstance(value, Mapping) else None


def time_of(value: int | None) -> datetime | None:
    return datetime.fromtimestamp(value, tz=UTC) if value is not None else None


def moment(value: int) -> datetime:
    """A time that is always there."""
    return datetime.fromtimestamp(value, tz=UTC)


def members(value: object) -> list[StripeObject]:
    """The objects of a list envelope; none when it was not expanded."""
    return list(value["data"]) if isinstance(value, Mapping) else []


def metadata_of(data: StripeObject) -> dict[str, str]:
    return dict(data.get("metadata") or {})
