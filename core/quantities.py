"""Exact quantities: credits and usage, decimals with six places and fourteen digits before them.

More places are refused, not rounded. `ROUND_UP` is for costs: a fraction of the last place is charged in full.
"""

from decimal import ROUND_UP, Decimal, InvalidOperation

from core.errors import InvalidInput

MAX_DIGITS = 20
PLACES = 6
STEP = Decimal(1).scaleb(-PLACES)
LARGEST = Decimal(10) ** (MAX_DIGITS - PLACES) - STEP
ZERO = Decimal(0)


class NotExact(ValueError):
    """Not an exact decimal; the message completes "… must be"."""


def exact_decimal(value: object) -> Decimal:
    """What a string, an int or a Decimal says exactly. Raises NotExact for floats, NaN, infinity and other text."""
    if isinstance(value, bool) or not isinstance(value, (str, int, Decimal)):
        raise NotExact("a decimal number, written as a string or a JSON number")
    try:
        number = Decimal(value)
    except InvalidOperation:
        raise NotExact("a decimal number such as 12.5") from None
    if not number.is_finite():
        raise NotExact("a finite number")
    return number


def parse_quantity(value: object, *, field: str = "quantity") -> Decimal:
    """The exact decimal of a string, an int or a Decimal; zero and negative ones pass.

    Raises InvalidInput for floats, NaN, infinity, more than six places, or what does not fit the column.
    """
    try:
        number = exact_decimal(value)
    except NotExact as problem:
        raise InvalidInput(f"{field} must be {problem}.", field=field) from None
    if abs(number) > LARGEST:
        raise InvalidInput(f"{field} must be at most {LARGEST}.", field=field)
    exact = number.quantize(STEP)
    if exact != number:
        raise InvalidInput(f"{field} may have at most {PLACES} decimal places.", field=field)
    return exact


def parse_positive_quantity(value: object, *, field: str = "quantity") -> Decimal:
    """As `parse_quantity`, refusing zero and less as well."""
    number = parse_quantity(value, field=field)
    if number <= 0:
        raise InvalidInput(f"{field} must be more than zero.", field=field)
    return number


def round_cost_up(amount: Decimal) -> Decimal:
    """A cost in credits, with any fraction of the sixth place charged in full."""
    return amount.quantize(STEP, rounding=ROUND_UP)


def as_text(number: Decimal) -> str:
    """The shortest exact decimal string: `12.5`, `400`, `0`. Never in exponent form."""
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def grouped(number: Decimal) -> str:
    """For people: `1,234.5`, `−20`, with every exact place and a real minus sign."""
    whole, dot, places = as_text(abs(number)).partition(".")
    return f"{'−' if number < 0 else ''}{int(whole):,}{dot}{places}"
