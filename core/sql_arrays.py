"""Many values in one parameter: columns as PostgreSQL's array literals, at a fraction of what adapting each element of
a list costs.

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


def rows_to_join(types: Sequence[str], rows: Sequence[Sequence[Any]]) -> tuple[str, list[Any]]:
    """The text of a table of these rows, to join with, and its parameters; at least one row. `types` are the columns'.

    A single one goes as VALUES: how long an array is, a prepared statement does not know, so it would be planned anew
    each time.
    """
    if len(rows) == 1:
        return f"(VALUES ({', '.join(f'%s::{kind}' for kind in types)}))", list(rows[0])
    columns = [_WRITERS[kind](column) for kind, column in zip(types, zip(*rows, strict=True), strict=True)]
    return f"unnest({', '.join(f'%s::{kind}[]' for kind in types)})", columns


_WRITERS: dict[str, Callable[[Any], str]] = {"bigint": numbers, "timestamptz": repeated}
