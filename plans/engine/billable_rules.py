"""A meter's billable rule as a value. What it makes of an event is decided in `usage.engine.billable`."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from core.quantities import NotExact, as_typed, exact_decimal


class InvalidRule(ValueError):
    """A rule that makes no sense; the message says which part and why."""


@dataclass(frozen=True, slots=True)
class PropertyBound:
    """The numeric property `name` must be there and lie between `minimum` and `maximum`, both included."""

    name: str
    minimum: Decimal | None
    maximum: Decimal | None

    @classmethod
    def parse_all(cls, value: object) -> "tuple[PropertyBound, ...]":
        """From `{"tokens": {"minimum": "1", "maximum": "100"}}`. Raises InvalidRule."""
        if not isinstance(value, Mapping):
            raise InvalidRule("Property bounds are a table of properties with a minimum, a maximum, or both.")
        return tuple(cls._parse(name, bound) for name, bound in sorted(value.items()))

    @classmethod
    def _parse(cls, name: str, bound: object) -> "PropertyBound":
        if not isinstance(bound, Mapping) or not bound or set(bound) - {"minimum", "maximum"}:
            raise InvalidRule(f"The bound of {name!r} takes a minimum, a maximum, or both.")
        minimum, maximum = (_number(bound.get(end), f"The {end} of {name!r}") for end in ("minimum", "maximum"))
        if minimum is not None and maximum is not None and minimum > maximum:
            raise InvalidRule(f"The minimum of {name!r} is above its maximum.")
        return cls(name, minimum, maximum)


@dataclass(frozen=True, slots=True)
class BillableRule:
    """All of it must hold for an event to count. Durations and latencies in milliseconds; None: no such condition."""

    statuses: frozenset[str]
    min_duration_ms: int | None
    max_latency_ms: int | None
    property_bounds: tuple[PropertyBound, ...]


def _number(value: object, what: str) -> Decimal | None:
    if value is None:
        return None
    try:
        return exact_decimal(as_typed(value) if isinstance(value, str) else value)
    except NotExact as problem:
        raise InvalidRule(f"{what} must be {problem}.") from None
