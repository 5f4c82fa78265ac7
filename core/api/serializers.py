"""Serializers and fields shared by the whole API."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, ClassVar, cast

from django.http import QueryDict
from rest_framework import serializers

from core.money import LARGEST_CHARGE
from core.quantities import (
    MAX_DIGITS,
    PLACES,
    WHOLE_DIGITS,
    NotADecimal,
    TooLarge,
    TooManyPlaces,
    as_text,
    exact_quantity,
)


class StrictSerializer(serializers.Serializer[Any]):
    """Refuses fields it does not know, by name, together with whatever else is wrong.

    `alternatives`, for the schema: exactly one of these fields must be given, and with it none of those beside it.
    """

    alternatives: ClassVar[Mapping[str, Sequence[str]]] = {}

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, Mapping):
            return super().to_internal_value(data)
        unknown = {name: ["Unknown field."] for name in data if name not in self.fields or self.fields[name].read_only}
        try:
            value = super().to_internal_value(data)
        except serializers.ValidationError as error:
            raise serializers.ValidationError(unknown | cast(dict[str, Any], error.detail)) from None
        if unknown:
            raise serializers.ValidationError(unknown)
        return value


def validated(serializer_class: type[serializers.Serializer[Any]], data: Any) -> dict[str, Any]:
    """The accepted values of a body or a query. Raises DRF's ValidationError, which becomes the envelope."""
    # Of a query as of a form, DRF would take an empty value for one that was not given.
    serializer = serializer_class(data=data.dict() if isinstance(data, QueryDict) else data)
    serializer.is_valid(raise_exception=True)
    return serializer.validated_data


class TextField(serializers.RegexField):
    """A line of text, kept as it came: a name, an id, a reason. Control characters and mere blanks are refused."""

    default_error_messages = {
        "blank": "Must not be empty.",
        "invalid": "Must be one line of text: no control characters, and not only blanks.",
    }

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(r"\A(?!\s*\Z)[^\x00-\x1f\x7f-\x9f]+\Z", **{"trim_whitespace": False, **kwargs})


class QuantityField(serializers.DecimalField):
    """A quantity or credits. Read from a string or a JSON number, written as the shortest string."""

    default_error_messages = {
        "invalid": "Must be a decimal number such as “12.5”.",
        "max_decimal_places": "May have at most {max_decimal_places} decimal places.",
        "max_whole_digits": "May have at most {max_whole_digits} digits before the point.",
        "positive": "Must be more than zero.",
    }

    def __init__(self, *, positive: bool = False, **kwargs: Any) -> None:
        self.positive = positive
        super().__init__(max_digits=MAX_DIGITS, decimal_places=PLACES, **kwargs)

    def to_internal_value(self, data: Any) -> Decimal:
        try:
            number = exact_quantity(data)
        except TooLarge:
            self.fail("max_whole_digits", max_whole_digits=WHOLE_DIGITS)
        except TooManyPlaces:
            self.fail("max_decimal_places", max_decimal_places=PLACES)
        except NotADecimal:
            self.fail("invalid")
        if self.positive and number <= 0:
            self.fail("positive")
        return number

    def to_representation(self, value: Any) -> str:
        return as_text(Decimal(value))


class MoneyField(serializers.IntegerField):
    """Money: an integer of minor units (cents); the currency stands beside it in a field of its own."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"max_value": LARGEST_CHARGE, **kwargs})


class TimestampField(serializers.DateTimeField):
    """ISO 8601 with a zone; a time without one could be anybody's, so it is refused."""

    default_error_messages = {"naive": "Must carry a time zone, such as 2026-06-15T12:00:00Z."}

    def enforce_timezone(self, value: datetime) -> datetime:
        if value.tzinfo is None:
            self.fail("naive")
        return super().enforce_timezone(value)


class PublicIdField(serializers.CharField):
    """An id of ours, such as `org_…`: `core.public_ids` makes them."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"max_length": 40, **kwargs})
