"""Columns as PostgreSQL's array literals: a fraction of what adapting each element of a list costs.

https://www.postgresql.org/docs/current/arrays.html#ARRAYS-INPUT
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import date
from decimal import Decimal
from typing import Any


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


def wanted(kinds: Sequence[str], rows: Sequence[Sequence[Any]]) -> tuple[str, list[Any]]:
    """Rows to join with, and their parameters; at least one.

    A single one goes as VALUES: how long an array is, a prepared statement does not know, so it would be planned anew
    each time.
    """
    if len(rows) == 1:
        return f"(VALUES ({', '.join(f'%s::{kind}' for kind in kinds)}))", list(rows[0])
    columns = [_WRITERS[kind](column) for kind, column in zip(kinds, zip(*rows, strict=True), strict=True)]
    return f"unnest({', '.join(f'%s::{kind}[]' for kind in kinds)})", columns


_WRITERS: dict[str, Callable[[Any], str]] = {"bigint": numbers, "timestamptz": repeated}
