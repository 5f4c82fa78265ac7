"""Monthly windows keep to their anchor, whatever the months between are like."""

import calendar
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plans.engine.windows import Window, add_months, calendar_month, window_on_anchor

# A day, and a time within it, over a century.
MOMENTS = st.integers(0, 36_500 * 86_400).map(
    lambda second: datetime(2001, 1, 1, tzinfo=UTC) + timedelta(seconds=second)
)


@pytest.mark.parametrize("day", [28, 29, 30, 31])
@pytest.mark.parametrize("year", [2023, 2024])
def test_an_anchor_late_in_the_month_does_not_drift_in_48_months(day: int, year: int) -> None:
    anchor = datetime(year, 1, day, 9, 30, tzinfo=UTC)
    for months in range(49):
        boundary = add_months(anchor, months)
        expected_year, expected_month = year + months // 12, months % 12 + 1
        last_day = calendar.monthrange(expected_year, expected_month)[1]
        assert boundary == datetime(expected_year, expected_month, min(day, last_day), 9, 30, tzinfo=UTC)
        assert window_on_anchor(anchor=anchor, at=boundary).start == boundary
        assert window_on_anchor(anchor=anchor, at=boundary - timedelta(microseconds=1)).end == boundary


def test_31_january_is_followed_by_28_february_and_31_march() -> None:
    anchor = datetime(2026, 1, 31, tzinfo=UTC)
    february = window_on_anchor(anchor=anchor, at=datetime(2026, 3, 1, tzinfo=UTC))
    assert (february.start, february.end) == (datetime(2026, 2, 28, tzinfo=UTC), datetime(2026, 3, 31, tzinfo=UTC))


def test_windows_reach_back_before_the_anchor_as_during_a_trial() -> None:
    window = window_on_anchor(anchor=datetime(2026, 5, 15, tzinfo=UTC), at=datetime(2026, 5, 2, tzinfo=UTC))
    assert (window.start, window.end) == (datetime(2026, 4, 15, tzinfo=UTC), datetime(2026, 5, 15, tzinfo=UTC))


@given(anchor=MOMENTS, at=MOMENTS)
def test_every_instant_lies_in_exactly_one_window(anchor: datetime, at: datetime) -> None:
    window = window_on_anchor(anchor=anchor, at=at)
    assert at in window
    assert window_on_anchor(anchor=anchor, at=window.end).start == window.end
    assert window_on_anchor(anchor=anchor, at=window.start - timedelta(microseconds=1)).end == window.start


@given(at=MOMENTS)
def test_a_free_window_is_the_calendar_month_in_utc(at: datetime) -> None:
    window = calendar_month(at=at)
    assert at in window
    assert (window.start.day, window.start.hour, window.end.day, window.end.hour) == (1, 0, 1, 0)
    assert (window.start.year, window.start.month) == (at.year, at.month)


def test_a_windows_end_belongs_to_the_next() -> None:
    window = calendar_month(at=datetime(2026, 2, 10, tzinfo=UTC))
    assert window.start in window
    assert window.end - timedelta(microseconds=1) in window
    assert window.end not in window
    assert window.start - timedelta(microseconds=1) not in window


def test_months_are_those_of_utc_whatever_zone_a_time_comes_in() -> None:
    evening = datetime(2026, 6, 30, 23, 30, 15, 7, tzinfo=timezone(-timedelta(hours=5)))
    assert calendar_month(at=evening) == Window(datetime(2026, 7, 1, tzinfo=UTC), datetime(2026, 8, 1, tzinfo=UTC))
    on_anchor = window_on_anchor(anchor=evening, at=datetime(2026, 7, 1, 4, 30, 15, 6, tzinfo=UTC))
    assert on_anchor.end == datetime(2026, 7, 1, 4, 30, 15, 7, tzinfo=UTC)


@pytest.mark.parametrize(("months", "year", "month"), [(-13, 2024, 12), (-1, 2025, 12), (0, 2026, 1), (11, 2026, 12)])
def test_months_are_counted_over_new_year_both_ways(months: int, year: int, month: int) -> None:
    assert add_months(datetime(2026, 1, 31, tzinfo=UTC), months) == datetime(year, month, 31, tzinfo=UTC)
