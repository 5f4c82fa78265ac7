"""Exact quantities: credits and usage, decimals with six places and fourteen digits before them.

What counts as one is decided here alone. `exact_decimal` and `exact_quantity` are pure and raise kinds of `NotExact`,
which each caller puts into its own words; `parse_quantity` does so for services. More places are refused, not rounded.
"""

import re
from decimal import Decimal

from core.errors import InvalidInput

PLACES = 6
WHOLE_DIGITS = 14
MAX_DIGITS = WHOLE_DIGITS + PLACES
STEP = Decimal(1).scaleb(-PLACES)
LARGEST = Decimal(10) ** WHOLE_DIGITS - STEP
ZERO = Decimal(0)

# No blanks, no underscores, no digits of other scripts, and no exponent that `Decimal` could not keep.
_PLAIN = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]{1,4})?", re.ASCII)
_NO_ZERO = re.compile(r"\A(?P<sign>[+-]?)\.(?P<places>[0-9]+)\Z", re.ASCII)
_NO_PLACES = re.compile(r"\A(?P<whole>[+-]?[0-9]+)\.\Z", re.ASCII)


class NotExact(ValueError):
    """A value that is no exact quantity; the subclass says why, and the message completes "… must be"."""


class NotADecimal(NotExact):
    """A float, a truth value, NaN, an infinity, or a text that is not written as a plain decimal."""


class TooLarge(NotExact):
    """Beyond `LARGEST`, above or below zero."""


class TooManyPlaces(NotExact):
    """A seventh decimal place that is not zero."""


def exact_decimal(value: object) -> Decimal:
    """The decimal of a text, an int or a Decimal, with all its digits. Raises NotADecimal for anything else."""
    if isinstance(value, str):
        if _PLAIN.fullmatch(value) is None:
            raise NotADecimal("a decimal number such as 12.5")
        return Decimal(value)
    # A float has lost the digits that somebody wrote; True is an int only to Python.
    if isinstance(value, bool) or not isinstance(value, (int, Decimal)):
        raise NotADecimal("a decimal number, written as a string or a JSON number")
    number = Decimal(value)
    if not number.is_finite():
        raise NotADecimal("a finite number")
    return number


def as_typed(text: str) -> str:
    """A decimal as people type it (`.07`, `7.`, with blanks around it), written plainly; any other text as it is."""
    text = text.strip()
    return _NO_ZERO.sub(r"\g<sign>0.\g<places>", _NO_PLACES.sub(r"\g<whole>", text))


def exact_quantity(value: object) -> Decimal:
    """As `exact_decimal`, with six places; zero and negative ones pass. Raises NotADecimal, TooLarge, TooManyPlaces."""
    number = exact_decimal(value)
    if not -LARGEST <= number <= LARGEST:
        raise TooLarge(f"at most {LARGEST}")
    exact = number.quantize(STEP)
    if exact != number:
        raise TooManyPlaces(f"a number of at most {PLACES} decimal places")
    return exact or exact.copy_abs()  # there is one zero only


def parse_quantity(value: object, *, field: str = "quantity") -> Decimal:
    """As `exact_quantity`, raising InvalidInput that names `field`."""
    try:
        return exact_quantity(value)
    except NotExact as problem:
        raise InvalidInput(f"{field} must be {problem}.", field=field) from None


def parse_positive_quantity(value: object, *, field: str = "quantity") -> Decimal:
    """As `parse_quantity`, refusing zero and less as well."""
    number = parse_quantity(value, field=field)
    if number <= 0:
        raise InvalidInput(f"{field} must be more than zero.", field=field)
    return number


def as_text(number: Decimal) -> str:
    """The shortest exact decimal string: `12.5`, `400`, `0`. Never in exponent form."""
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def grouped(number: Decimal) -> str:
    """For people: `1,234.5`, `−20`, with every exact place and a real minus sign."""
    whole, dot, places = as_text(abs(number)).partition(".")
    return f"{'−' if number < 0 else ''}{int(whole):,}{dot}{places}"
