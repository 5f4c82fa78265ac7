"""Columns written as array literals are read by PostgreSQL as what they were."""

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from django.db import connection

from core import sql_arrays

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 6, 15, 12, 0, 0, 123456, tzinfo=UTC)


def read(literal, kind):
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT %s::{kind}[]", [literal])
        return cursor.fetchone()[0]


@pytest.mark.parametrize("values", [[], [1, None, -2], [Decimal("0.000001"), Decimal("-99999999999999.999999"), None]])
def test_numbers(values):
    assert read(sql_arrays.numbers(values), "numeric") == values


def test_moments_keep_their_zone_and_microseconds():
    elsewhere = NOON.astimezone(timezone(timedelta(hours=-9, minutes=-30)))
    values = [NOON, elsewhere, NOON]
    assert read(sql_arrays.repeated(values), "timestamptz") == values
    assert read(sql_arrays.moments([*values, None]), "timestamptz") == [*values, None]
    assert read(sql_arrays.moments([date(2026, 2, 28)]), "date") == [date(2026, 2, 28)]


HOSTILE = ["", " ", "NULL", "null", '"', "\\", '\\"', "a,b", "{x}", "two\nlines", "'; DROP TABLE x; --", "日本", "%s"]


@pytest.mark.parametrize("values", [[], HOSTILE, *([text] for text in HOSTILE)])
def test_texts_of_any_kind(values):
    assert read(sql_arrays.texts(values), "text") == values


@pytest.mark.parametrize("rows", [[(7, NOON)], [(7, NOON), (8, NOON), (-9, NOON + timedelta(days=1))]])
def test_rows_to_join_with(rows):
    wanted, parameters = sql_arrays.rows_to_join(("bigint", "timestamptz"), rows)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT * FROM {wanted} AS wanted (number, moment)", parameters)
        assert cursor.fetchall() == rows
