"""JSON comes out as it went in, digit by digit."""

import json
from decimal import Decimal

import pytest

from core.exact_json import ExactDecoder, ExactEncoder


def write(value):
    return json.dumps(value, cls=ExactEncoder)


def read(text):
    return json.loads(text, cls=ExactDecoder)


@pytest.mark.parametrize("number", ["0.1", "1.10", "12345678901234567890.123456789", "-0.000001", "1E+3"])
def test_a_decimal_is_a_number_with_all_its_digits(number):
    assert write(Decimal(number)) == number
    assert write({"price": [Decimal(number)]}) == f'{{"price": [{number}]}}'
    assert str(read(f'{{"price": {number}}}')["price"]) == number


@pytest.mark.parametrize("value", [True, False, None, 7, "a “text”\n", [], {}, {"a": [1, {"b": None}]}, {"1": "one"}])
def test_anything_else_is_as_json_has_it(value):
    assert read(write(value)) == value
    assert write(value) == json.dumps(value)


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity"])
def test_what_json_cannot_say_is_refused(number):
    with pytest.raises(ValueError, match="JSON has no number"):
        write([Decimal(number)])
