"""What an exact quantity is: decided once, for the API, events, files and services alike."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import InvalidInput
from core.quantities import (
    LARGEST,
    STEP,
    NotADecimal,
    TooLarge,
    TooManyPlaces,
    as_text,
    as_typed,
    exact_decimal,
    exact_quantity,
    grouped,
    parse_positive_quantity,
    parse_quantity,
)

exact = st.decimals(min_value=-LARGEST, max_value=LARGEST, places=6)


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ("12.5", "12.500000"),
        ("+12.5", "12.500000"),
        ("-12.5", "-12.500000"),
        ("007", "7.000000"),
        ("1e3", "1000.000000"),
        ("25E-2", "0.250000"),
        ("1.0000000000000000000000000000000000000", "1.000000"),
        (0, "0.000000"),
        (400, "400.000000"),
        (Decimal("0.000001"), "0.000001"),
        (Decimal("1E+2"), "100.000000"),
        ("99999999999999.999999", "99999999999999.999999"),
        ("-99999999999999.999999", "-99999999999999.999999"),
        ("-0", "0.000000"),
        (Decimal("-0.0"), "0.000000"),
    ],
)
def test_a_text_a_whole_number_or_a_decimal_is_read_with_six_places(given, read):
    assert str(exact_quantity(given)) == read


@pytest.mark.parametrize(
    "given", ["", " ", " 1", "1 ", "1\n", "1_000", "1,5", ".5", "5.", "0x10", "1e", "\uff11", "\u0663"]
)
def test_a_text_that_is_no_plain_decimal_is_refused(given):
    with pytest.raises(NotADecimal):
        exact_quantity(given)


@pytest.mark.parametrize(
    "given", ["NaN", "sNaN", "Infinity", "-inf", Decimal("NaN"), Decimal("sNaN"), Decimal("-Infinity")]
)
def test_what_is_not_finite_is_refused(given):
    with pytest.raises(NotADecimal):
        exact_quantity(given)


@pytest.mark.parametrize("given", [0.5, 1.0, True, False, None, b"1", [], {}, complex(1)])
def test_a_float_or_another_kind_of_value_is_refused_even_if_it_looks_whole(given):
    with pytest.raises(NotADecimal):
        exact_quantity(given)


@pytest.mark.parametrize("given", ["1e10000", "1e-10000", "1e999999999999999999999"])
def test_an_exponent_of_five_digits_is_refused_unread(given):
    with pytest.raises(NotADecimal):
        exact_decimal(given)


@pytest.mark.parametrize(
    "given",
    [
        "100000000000000",
        "-100000000000000",
        "99999999999999.9999991",
        "99999999999999.99999900000000000000000000000000001",
        "1e9999",
        10**1500,
        Decimal("1e999999999"),
        Decimal("-1e999999999"),
    ],
)
def test_what_the_column_cannot_hold_is_refused_however_large(given):
    with pytest.raises(TooLarge):
        exact_quantity(given)


@pytest.mark.parametrize(
    "given",
    ["0.0000001", "-0.0000001", "1.2345678", "1e-7", "1e-9999", Decimal("1e-999999999"), "99999999999998.9999991"],
)
def test_a_seventh_place_is_refused_and_not_rounded(given):
    with pytest.raises(TooManyPlaces):
        exact_quantity(given)


def test_a_plain_decimal_keeps_all_its_places():
    assert str(exact_decimal("0.12345678901234567890123456789012345")) == "0.12345678901234567890123456789012345"


@given(exact)
def test_text_and_quantity_are_each_others_way_back(number):
    assert (
        exact_quantity(as_text(number)) == number == exact_quantity(grouped(number).replace(",", "").replace("−", "-"))
    )


@given(exact)
def test_text_has_no_exponent_and_no_superfluous_zero(number):
    text = as_text(number)
    assert "E" not in text
    assert "." not in text or not text.endswith(("0", "."))


@pytest.mark.parametrize(
    ("number", "text"),
    [("400", "400"), ("400.000000", "400"), ("0.500000", "0.5"), ("1E+3", "1000"), ("0", "0"), ("-0.1", "-0.1")],
)
def test_text_is_the_shortest(number, text):
    assert as_text(Decimal(number)) == text


@pytest.mark.parametrize(
    ("number", "text"),
    [("1234.5", "1,234.5"), ("-1234567", "−1,234,567"), ("0.000001", "0.000001"), ("0", "0"), ("999", "999")],
)
def test_people_read_groups_of_thousands_and_a_real_minus(number, text):
    assert grouped(Decimal(number)) == text


@pytest.mark.parametrize(
    ("given", "why"),
    [
        (0.5, "amount must be a decimal number, written as a string or a JSON number"),
        (Decimal("NaN"), "amount must be a finite number"),
        ("x", "amount must be a decimal number such as 12.5"),
        ("1e20", "amount must be at most 99999999999999.999999"),
        ("0.0000001", "amount must be a number of at most 6 decimal places"),
    ],
)
def test_services_refuse_by_the_fields_name(given, why):
    with pytest.raises(InvalidInput, match=why) as refused:
        parse_quantity(given, field="amount")
    assert refused.value.field == "amount"


@pytest.mark.parametrize("given", ["0", "-0", 0, "-1", "-0.000001"])
def test_zero_and_less_are_refused_where_more_is_needed(given):
    assert parse_quantity(given) <= 0
    with pytest.raises(InvalidInput, match="more than zero"):
        parse_positive_quantity(given)


def test_the_smallest_quantity_is_one_step():
    assert parse_positive_quantity("0.000001") == STEP


@pytest.mark.parametrize(
    ("typed", "plain"),
    [(".07", "0.07"), ("7.", "7"), (" 12.5 ", "12.5"), ("-.5", "-0.5"), ("1e3", "1e3"), ("12,5", "12,5"), ("", "")],
)
def test_what_people_type_is_written_plainly_and_other_text_is_left_as_it_is(typed, plain):
    assert as_typed(typed) == plain


@pytest.mark.parametrize("text", [".", "", "1_000", "a", "1.2.3", "\n"])
def test_what_is_typed_and_is_no_decimal_stays_refused(text):
    with pytest.raises(NotADecimal):
        exact_decimal(as_typed(text))
