"""Money is minor units: of two places, of none, of three."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.money import CURRENCIES, THREE_DECIMAL, ZERO_DECIMAL, Money, minor_digits


@pytest.mark.parametrize(
    ("currency", "digits"), [("usd", 2), ("USD", 2), ("jpy", 0), ("KRW", 0), ("kwd", 3), ("BHD", 3)]
)
def test_a_currency_says_how_many_places_its_minor_unit_has(currency, digits):
    assert minor_digits(currency) == digits


def test_currencies_without_a_minor_unit_are_ones_that_can_be_sold_in():
    assert ZERO_DECIMAL <= CURRENCIES
    assert not ZERO_DECIMAL & THREE_DECIMAL


@pytest.mark.parametrize(
    ("major", "currency", "amount"),
    [
        ("12.50", "usd", 1250),
        ("12.505", "usd", 1251),
        ("12.504", "usd", 1250),
        ("-12.505", "usd", -1251),
        ("500", "jpy", 500),
        ("500.5", "jpy", 501),
        ("500.4", "jpy", 500),
        ("1.2345", "kwd", 1235),
        ("1.2344", "kwd", 1234),
        ("0", "eur", 0),
    ],
)
def test_major_units_are_rounded_half_up_to_the_minor_one(major, currency, amount):
    assert Money.of_major(Decimal(major), currency) == Money(amount, currency)


@given(st.integers(-(10**12), 10**12), st.sampled_from(sorted(CURRENCIES)))
def test_major_units_lead_back_to_the_same_amount(amount, currency):
    assert Money.of_major(Money(amount, currency).major, currency.upper()) == Money(amount, currency)


@pytest.mark.parametrize(
    ("money", "text"),
    [
        (Money(123450, "usd"), "$1,234.50"),
        (Money(-300, "eur"), "−€3.00"),
        (Money(5, "gbp"), "£0.05"),
        (Money(500, "jpy"), "¥500"),
        (Money(2000, "chf"), "CHF 20.00"),
        (Money(-1234567, "kwd"), "−KWD 1,234.567"),
        (Money(0, "krw"), "KRW 0"),
    ],
)
def test_people_read_every_place_of_the_currency(money, text):
    assert str(money) == text
