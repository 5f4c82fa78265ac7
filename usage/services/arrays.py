"""Columns as PostgreSQL's array literals: a fraction of what adapting each element of a list costs.

https://www.postgresql.org/docs/current/arrays.html#ARRAYS-INPUT
"""

from collections.abc import Iterable
from datetime import date
from decimal import Decimal


def numbers(values: Iterable[int | Decimal | None]) -> str:
    return "{" + ",".join(["NULL" if value is None else str(value) for value in values]) + "}"


def moments(values: Iterable[date]) -> str:
    """Of dates, or of times with their zone."""
    return "{" + ",".join([value.isoformat() for value in values]) + "}"


def texts(values: Iterable[str]) -> str:
    quoted = [value.replace("\\", "\\\\").replace('"', '\\"') for value in values]
    return '{"' + '","'.join(quoted) + '"}' if quoted else "{}"


def binaries(values: Iterable[bytes]) -> str:
    return "{" + ",".join([f'"\\\\x{value.hex()}"' for value in values]) + "}"
