"""The kinds of values that stand in a catalogue file, and what each refuses.

A field reads one TOML value into a Python one. It never raises: it tells `Reader.refuse` what is wrong and where, so
that one run names everything.
"""

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import KW_ONLY, dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any

from core.money import CURRENCIES

PLACES = 6
# What the database's columns hold: 14 digits before the point of a quantity, and eight-byte minor units.
LARGEST_QUANTITY = Decimal(10) ** 14
LARGEST_AMOUNT = 10**12
CODE = re.compile(r"[a-z0-9][a-z0-9_.-]*")

Entry = dict[str, Any]
Check = Callable[[Entry], Iterable[tuple[str, str]]]


@dataclass
class Reader:
    """Collects what is wrong, and knows which codes there are: in the database, and in the file itself."""

    codes: dict[str, set[str]]
    problems: list[str] = field(default_factory=list)

    def refuse(self, place: str, message: str) -> None:
        self.problems.append(f"{place}: {message}")


class Refused(Exception):
    """This value cannot be used; the message says why and what would do."""


@dataclass(frozen=True)
class Field:
    """`optional` keys may be missing; what is missing in an entry that exists stays as it is. With `clearable`, the
    text "none" empties it.
    """

    _: KW_ONLY
    optional: bool = False
    clearable: bool = False

    def read(self, value: Any, place: str, reader: Reader) -> Any:
        """The Python value; None where it was refused (the caller sees that from `reader.problems`)."""
        if self.clearable and value == "none":
            return None
        try:
            return self.parse(value)
        except Refused as refused:
            reader.refuse(place, str(refused))
            return None

    def parse(self, value: Any) -> Any:
        """Raises `Refused`."""
        raise NotImplementedError

    def write(self, value: Any) -> Any:
        """The value as it stands in a file."""
        return value


@dataclass(frozen=True)
class Text(Field):
    max_length: int = 200
    blank: bool = False

    def parse(self, value: Any) -> str:
        if not isinstance(value, str):
            raise Refused("must be a text in quotation marks")
        if not value.strip() and not self.blank:
            raise Refused("must not be empty")
        if len(value) > self.max_length:
            raise Refused(f"must not be longer than {self.max_length} characters, and has {len(value)}")
        if "\0" in value:
            raise Refused("must not contain a null character")
        return value


@dataclass(frozen=True)
class Code(Field):
    """A name that programs use and that never changes."""

    max_length: int = 100

    def parse(self, value: Any) -> str:
        if not isinstance(value, str) or not CODE.fullmatch(value) or len(value) > self.max_length:
            raise Refused(
                f"must be a code: lower-case letters, digits, '-', '_' and '.', at most {self.max_length} of them"
            )
        return value


@dataclass(frozen=True)
class Reference(Code):
    """The code of an entry of another section, in this file or already in the database."""

    section: str = ""

    def read(self, value: Any, place: str, reader: Reader) -> Any:
        code = super().read(value, place, reader)
        if code is not None and code not in reader.codes.get(self.section, ()):
            reader.refuse(place, f"there is no {code!r} among the {self.section}")
        return code


@dataclass(frozen=True)
class Choice(Field):
    choices: Collection[str] = ()

    def parse(self, value: Any) -> str:
        if value not in self.choices:
            raise Refused(f"must be one of {', '.join(self.choices)}")
        return str(value)


@dataclass(frozen=True)
class Currency(Field):
    def parse(self, value: Any) -> str:
        if not isinstance(value, str) or value not in CURRENCIES:
            raise Refused("must be a currency of ISO 4217 in lower case, such as usd or eur")
        return value


@dataclass(frozen=True)
class Flag(Field):
    optional: bool = True

    def parse(self, value: Any) -> bool:
        if not isinstance(value, bool):
            raise Refused("must be true or false")
        return value


@dataclass(frozen=True)
class Whole(Field):
    """A whole number: days, seats, milliseconds."""

    minimum: int = 0
    maximum: int = 2**31 - 1

    def parse(self, value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int):
            raise Refused("must be a whole number without quotation marks")
        if not self.minimum <= value <= self.maximum:
            raise Refused(f"must be between {self.minimum:,} and {self.maximum:,}, and is {value:,}")
        return value


@dataclass(frozen=True)
class Amount(Whole):
    """Money in minor units of the currency beside it."""

    maximum: int = LARGEST_AMOUNT


@dataclass(frozen=True)
class Quantity(Field):
    """An exact decimal with at most six places, written as a text: "0.003". `words` are what may stand instead."""

    minimum: Decimal = Decimal(0)
    above_minimum: bool = False
    words: Collection[str] = ()

    def parse(self, value: Any) -> Decimal | str:
        if isinstance(value, str) and value in self.words:
            return value
        if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
            raise Refused('must be a number in quotation marks, such as "12.5"')
        number = _decimal(value)
        if number < self.minimum or (self.above_minimum and number == self.minimum):
            raise Refused(f"must be {'more than' if self.above_minimum else 'at least'} {self.minimum}, and is {value}")
        if number >= LARGEST_QUANTITY:
            raise Refused(f"must be less than {LARGEST_QUANTITY:,}")
        return number

    def write(self, value: Any) -> Any:
        return f"{value.normalize():f}" if isinstance(value, Decimal) else value


@dataclass(frozen=True)
class Texts(Field):
    """A list of texts; with `choices`, only those."""

    max_length: int = 200
    choices: Collection[str] = ()

    def parse(self, value: Any) -> list[str]:
        if not isinstance(value, list):
            raise Refused("must be a list of texts")
        item = Choice(choices=self.choices) if self.choices else Text(max_length=self.max_length)
        return [item.parse(each) for each in value]


@dataclass(frozen=True)
class Table(Field):
    """A table within an entry. `check` yields `(key, message)` for what only shows in several keys together.
    `inline` is how it is written: `{ … }` within its line, or under a heading of its own.
    """

    fields: Mapping[str, Field] = field(default_factory=dict)
    check: Check | None = None
    inline: bool = True

    def read(self, value: Any, place: str, reader: Reader) -> Any:
        if self.clearable and value == "none":
            return None
        if not isinstance(value, dict):
            reader.refuse(place, "must be a table")
            return None
        return read_entry(value, self.fields, self.check, place, reader)

    def write(self, value: Any) -> Any:
        return {name: self.fields[name].write(each) for name, each in value.items() if each is not None}


@dataclass(frozen=True)
class Tables(Table):
    """A list of tables."""

    minimum: int = 0

    def read(self, value: Any, place: str, reader: Reader) -> Any:
        if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
            reader.refuse(place, "must be a list of tables")
            return None
        if len(value) < self.minimum:
            reader.refuse(place, f"needs at least {self.minimum}")
        return [
            read_entry(each, self.fields, self.check, f"{place}[{index}]", reader) for index, each in enumerate(value)
        ]

    def write(self, value: Any) -> Any:
        return [super(Tables, self).write(each) for each in value]


def read_entry(
    values: Entry,
    fields: Mapping[str, Field],
    check: Check | None,
    place: str,
    reader: Reader,
    *,
    exists: bool = False,
) -> Entry:
    """Read a table key by key. An entry that `exists` may leave out what it does not want to change.

    `check` runs only on what is otherwise in order.
    """
    before = len(reader.problems)
    for name in values:
        if name not in fields:
            reader.refuse(f"{place}.{name}", f"is not known here; known are {', '.join(fields)}")
    for name, each in fields.items():
        if name not in values and not each.optional and not exists:
            reader.refuse(f"{place}.{name}", "is missing")
    entry = {
        name: fields[name].read(value, f"{place}.{name}", reader) for name, value in values.items() if name in fields
    }
    if check and len(reader.problems) == before:
        for name, message in check(entry):
            reader.refuse(f"{place}.{name}" if name else place, message)
    return entry


def _decimal(value: str | int | Decimal) -> Decimal:
    try:
        number = Decimal(value)
    except InvalidOperation as error:
        raise Refused(f'must be a number in quotation marks, such as "12.5", and is {value!r}') from error
    if not number.is_finite():
        raise Refused("must be a finite number")
    exponent = number.normalize().as_tuple().exponent
    if isinstance(exponent, int) and -exponent > PLACES:
        raise Refused(f"must not have more than {PLACES} decimal places, and is {value}")
    return number
