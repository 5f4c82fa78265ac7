"""Ladders in the catalogue file: `ladder = [{ up_to = "1000", price = "0.003" }, { price = "0.0022" }]`, or
`package = { size = "1000", price = "0.50" }`."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from payments.catalogue_file import Field, Quantity, Table, Tables
from payments.catalogue_file.fields import Entry, Refused
from plans.engine import price_ladders
from plans.engine.price_ladders import Ladder, PerPackage

PRICE_PLACES = 12


@dataclass(frozen=True)
class Price(Field):
    """Per unit, so smaller than money or credits: up to twelve decimal places."""

    def parse(self, value: Any) -> Decimal:
        if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
            raise Refused('must be a number in quotation marks, such as "0.003"')
        try:
            number = Decimal(value)
        except ArithmeticError:
            raise Refused(f'must be a number in quotation marks, such as "0.003", and is {value!r}') from None
        if not number.is_finite() or not 0 <= number < Decimal(10) ** 9:
            raise Refused(f"must be from 0 to a billion, and is {value}")
        if number != round(number, PRICE_PLACES):
            raise Refused(f"must not have more than {PRICE_PLACES} decimal places, and is {value}")
        return number


def ladder_fields() -> dict[str, Field]:
    """The two keys of which one says what a unit costs."""
    return {
        "ladder": Tables(
            fields={"up_to": Quantity(optional=True, above_minimum=True), "price": Price()}, minimum=1, optional=True
        ),
        "package": Table(fields={"size": Quantity(above_minimum=True), "price": Price()}, optional=True),
    }


def check_ladder(entry: Entry, *, required: bool) -> Iterator[tuple[str, str]]:
    given = [name for name in ("ladder", "package") if entry.get(name) is not None]
    if len(given) > 1:
        yield "package", "stands beside a ladder; give one of the two"
    elif not given and required:
        yield "ladder", "is missing: give a ladder or a package"
    elif given:
        try:
            ladder_of(entry)
        except price_ladders.InvalidLadder as problem:
            yield given[0], str(problem)


def ladder_of(entry: Entry) -> Ladder | None:
    """Raises InvalidLadder."""
    said = entry.get("ladder") or entry.get("package")
    return None if said is None else price_ladders.parse(said)


def ladder_entry(ladder: Ladder | None) -> Entry:
    """As it stands in the file."""
    if ladder is None:
        return {}
    return {"package" if isinstance(ladder, PerPackage) else "ladder": ladder.as_json()}
