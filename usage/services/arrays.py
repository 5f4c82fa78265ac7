"""Columns as PostgreSQL's array literals: a fraction of what adapting each element of a list costs.

https://www.postgresql.org/docs/current/arrays.html#ARRAYS-INPUT
"""

from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal


def numbers(values: Iterable[int | Decimal | None]) -> str:
    return "{" + ",".join(["NULL" if value is None else str(value) for value in values]) + "}"


def moments(values: Iterable[date | None]) -> str:
    """Of dates, or of times with their zone."""
    return "{" + ",".join(["NULL" if value is None else value.isoformat() for value in values]) + "}"


def repeated(values: Sequence[date]) -> str:
    """As `moments`, for a few that come again and again: each is written out once."""
    texts = {value: value.isoformat() for value in set(values)}
    return "{" + ",".join([texts[value] for value in values]) + "}"


def texts(values: Iterable[str]) -> str:
    quoted = [value.replace("\\", "\\\\").replace('"', '\\"') for value in values]
    return '{"' + '","'.join(quoted) + '"}' if quoted else "{}"
