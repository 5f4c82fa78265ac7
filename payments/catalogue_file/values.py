"""The kinds of values that stand in a catalogue file, and what each refuses.

The words follow the place: `packs[2].recurring: must be one of month, year`. What pydantic itself refuses, such as a
value of another type, gets its words in `refusals`.
"""

import re
from collections.abc import Callable, Collection
from decimal import Decimal
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, PlainValidator, TypeAdapter, ValidationInfo

from core.money import CURRENCIES, LARGEST_AMOUNT
from core.quantities import LARGEST, PLACES, STEP, parse_quantity

CODE = re.compile(r"[a-z0-9][a-z0-9_.-]*")


def must(hold: Callable[[Any], object], words: str) -> AfterValidator:
    """What does not hold is refused in these words, in which `{value}` is what was given."""

    def check(value: Any) -> Any:
        if not hold(value):
            raise ValueError(words.format(value=value))
        return value

    return AfterValidator(check)


def text(longest: int, *, blank: bool = False) -> AfterValidator:
    def check(value: str) -> str:
        if not value.strip() and not blank:
            raise ValueError("must not be empty")
        if len(value) > longest:
            raise ValueError(f"must not be longer than {longest} characters, and has {len(value)}")
        if "\0" in value:
            raise ValueError("must not contain a null character")
        return value

    return AfterValidator(check)


def code(longest: int) -> AfterValidator:
    """A name that programs use and that never changes."""
    words = f"must be a code: lower-case letters, digits, '-', '_' and '.', at most {longest} of them"
    return must(lambda value: CODE.fullmatch(value) and len(value) <= longest, words)


def reference(section: str) -> AfterValidator:
    """The code of an entry of another section, in this file or already in the database."""

    def check(value: str, known: ValidationInfo) -> str:
        if value not in (known.context or {})[section]:
            raise ValueError(f"there is no {value!r} among the {section}")
        return value

    return AfterValidator(check)


def one_of(choices: Collection[str]) -> AfterValidator:
    return must(lambda value: value in choices, f"must be one of {', '.join(choices)}")


def whole(minimum: int, maximum: int = 2**31 - 1) -> AfterValidator:
    """Days, seats, milliseconds: as far as the database's integers go, unless it ends before."""
    words = f"must be between {minimum:,} and {maximum:,}, and is {{value:,}}"
    return must(lambda value: minimum <= value <= maximum, words)


def unique(key: str, words: str) -> AfterValidator:
    """A list of tables that differ in this key."""
    return must(lambda tables: len({getattr(table, key) for table in tables}) == len(tables), words)


def or_word(word: str, kind: Any) -> PlainValidator:
    """A value of this kind, or the word that may stand instead."""
    validate = TypeAdapter(kind).validate_python
    return PlainValidator(lambda value: value if value == word else validate(value))


# With it, the text "none" empties what may be empty; what is left out stays as it is.
clearable = BeforeValidator(lambda value: None if value == "none" else value)

Currency = Annotated[
    str, must(CURRENCIES.__contains__, "must be a currency of ISO 4217 in lower case, such as usd or eur")
]

# Money, in minor units of the currency beside it.
Amount = Annotated[int, whole(0, LARGEST_AMOUNT)]
PositiveAmount = Annotated[int, whole(1, LARGEST_AMOUNT)]

# Exact decimals, written as texts: "0.003". Numbers will do as well: `load` reads them as decimals, never as floats.
_exact = Field(strict=False, allow_inf_nan=False, decimal_places=PLACES, lt=LARGEST + STEP)
Quantity = Annotated[Decimal, _exact, Field(ge=0), AfterValidator(parse_quantity)]
PositiveQuantity = Annotated[Decimal, _exact, Field(gt=0), AfterValidator(parse_quantity)]
