"""What customers typed stays text when somebody opens the file in a spreadsheet."""

import csv
import io
from decimal import Decimal

import pytest

from core.csv_export import csv_lines

FORMULAS = [
    '=HYPERLINK("https://evil.example","click")',
    "=1+1",
    "+1+1",
    "-1+1",
    "@SUM(A1:A9)",
    "\t=1+1",
    "\r=1+1",
    "\n=1+1",
    "=",
    "-",
]


def read(rows):
    return list(csv.reader(io.StringIO("".join(csv_lines(rows)), newline="")))


@pytest.mark.parametrize("typed", FORMULAS)
def test_a_text_that_could_be_a_formula_is_preceded_by_an_apostrophe(typed):
    assert read([["name", typed]]) == [["name", f"'{typed}"]]


@pytest.mark.parametrize("typed", ["Acme", "a=b", "1-2", "me@example.com", "", "'quoted'", "a\n=b", "日本", "−5"])
def test_any_other_text_stays_as_it_is(typed):
    assert read([[typed, "end"]]) == [[typed, "end"]]


@pytest.mark.parametrize(("number", "written"), [(-5, "-5"), (Decimal("-0.000001"), "-0.000001"), (0, "0"), (12, "12")])
def test_numbers_stay_numbers(number, written):
    assert read([[number]]) == [[written]]


def test_separators_quotes_and_line_breaks_stay_inside_their_cell():
    row = ['say "hi"', "a,b", "two\r\nlines", "a;b"]
    assert read([row, ["next"]]) == [row, ["next"]]


def test_each_row_is_handed_on_before_the_next_is_asked_for():
    def rows():
        yield ["first"]
        raise AssertionError("the second row was asked for too early")

    assert next(csv_lines(rows())) == "first\r\n"
