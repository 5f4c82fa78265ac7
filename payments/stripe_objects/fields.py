"""Reading Stripe's JSON: ids that may be expanded, times in seconds, lists in envelopes."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

Json = Mapping[str, Any]
StripeObject = dict[str, Any]
"""An object as Stripe's API gives it: nobody but the adapters of this package looks into it."""


def id_of(value: Any) -> str | None:
    """`"cus_1"`, `{"id": "cus_1", …}` and None alike."""
    if isinstance(value, Mapping):
        value = value.get("id")
    return str(value) if value else None


def expanded(value: Any) -> Json | None:
    """The object, if it stands there in full."""
    return value if isinstance(value, Mapping) else None


def time_of(value: Any) -> datetime | None:
    return datetime.fromtimestamp(int(value), tz=UTC) if value is not None else None


def moment(value: Any) -> datetime:
    """A time that is always there."""
    return datetime.fromtimestamp(int(value), tz=UTC)


def members(value: Any) -> list[Json]:
    """The objects of a list envelope; none when it was not expanded."""
    return list(value["data"]) if isinstance(value, Mapping) else []


def metadata_of(data: Json) -> dict[str, str]:
    return dict(data.get("metadata") or {})
