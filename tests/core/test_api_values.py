"""Quantities, money and times are read exactly or refused."""

import pytest

from core.api.serializers import QuantityField

pytestmark = pytest.mark.urls("tests.core.views_under_test")


def post(api, key, body):
    return api(key).generic("POST", "/echo", body, content_type="application/json")


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ('"12.5"', "12.5"),
        ("12.5", "12.5"),
        ("0.1", "0.1"),
        ("400", "400"),
        ('"400.000000"', "400"),
        ("1.0000000", "1"),
        ("1e3", "1000"),
        ("0.000001", "0.000001"),
        ("99999999999999.999999", "99999999999999.999999"),
    ],
)
def test_quantities_are_exact(api, service_key, written, read):
    answer = post(api, service_key, f'{{"quantity": {written}}}')
    assert answer.status_code == 200
    assert answer.json()["quantity"] == read


NO_QUANTITIES = [
    *("0", "-1", '"-0"', "0.0000001", "100000000000000", "1e20", "9" * 1500),
    *('"1_000"', '"\\uff11"', '"NaN"', '"Infinity"', '"0x10"', '" 1 "', '"1,5"', '""'),
    *("true", "null", "[]", "{}"),
]


@pytest.mark.parametrize("written", NO_QUANTITIES)
def test_what_is_no_quantity_is_refused_by_name(api, service_key, written):
    answer = post(api, service_key, f'{{"quantity": {written}}}')
    assert answer.status_code == 400
    assert list(answer.json()["error"]["details"]["fields"]) == ["quantity"]


@pytest.mark.parametrize("written", ["-1", "100000000", "1.5", '"ten"', "true", "null", "9" * 1500])
def test_money_is_a_whole_number_of_minor_units(api, service_key, written):
    answer = post(api, service_key, f'{{"quantity": 1, "price": {written}}}')
    assert answer.status_code == 400
    assert list(answer.json()["error"]["details"]["fields"]) == ["price"]


def test_times_carry_a_zone_and_come_back_in_utc(api, service_key):
    answer = post(api, service_key, '{"quantity": 1, "at": "2026-06-15T14:00:00+02:00"}')
    assert answer.json()["at"] == "2026-06-15T12:00:00Z"


@pytest.mark.parametrize(
    "written",
    ["2026-06-15T12:00:00", "2026-06-15", "yesterday", "2026-13-01T00:00:00Z", "0001-01-01T00:00:00+23:59", ""],
)
def test_a_time_without_a_zone_or_sense_is_refused(api, service_key, written):
    answer = post(api, service_key, f'{{"quantity": 1, "at": "{written}"}}')
    assert answer.status_code == 400
    assert list(answer.json()["error"]["details"]["fields"]) == ["at"]


def test_a_float_of_our_own_is_never_taken_for_a_quantity():
    field = QuantityField()
    with pytest.raises(Exception, match="decimal number"):
        field.to_internal_value(0.1)
