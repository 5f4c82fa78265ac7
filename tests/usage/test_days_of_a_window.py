"""How a window's payment spreads over its days: included first, then credits, then bills, then unpaid."""

from datetime import date
from decimal import Decimal as D

from usage.engine.history import Day, spread


def days(*figures):
    """Of each day what it counted, and what of that was billable; both alike unless given as a pair."""
    pairs = [one if isinstance(one, tuple) else (one, one) for one in figures]
    return [Day(date(2026, 6, number), D(all_), D(billable)) for number, (all_, billable) in enumerate(pairs, 1)]


def spread_out(figures, *, used, overage, credits=0, billed=0, is_reading=False):
    rows = spread(
        days(*figures), used=D(used), overage=D(overage), credits=D(credits), billed=D(billed), is_reading=is_reading
    )
    return [tuple(int(part) for part in (row.included, row.credits, row.billed, row.unpaid)) for row in rows]


def test_what_goes_beyond_falls_on_the_last_days():
    assert spread_out([4, 0, 5, 6], used=15, overage=8, credits=3, billed=4) == [
        (4, 0, 0, 0),
        (0, 0, 0, 0),
        (3, 2, 0, 0),
        (0, 1, 4, 1),
    ]


def test_a_segment_begins_where_earlier_ones_ended():
    assert spread_out([5, 5], used=30, overage=4, credits=4) == [(5, 0, 0, 0), (1, 4, 0, 0)]
    assert spread_out([5, 5], used=30, overage=10, credits=7, billed=3) == [(0, 5, 0, 0), (0, 2, 3, 0)]


def test_days_say_all_that_was_reported_and_what_of_it_counts():
    [first, second] = spread(days((9, 4), (5, 5)), used=D(9), overage=D(2), credits=D(2), billed=D(0), is_reading=False)
    assert (first.day, first.quantity, first.billable, first.included) == (date(2026, 6, 1), 9, 4, 4)
    assert (second.day, second.quantity, second.billable, second.included) == (date(2026, 6, 2), 5, 5, 3)


def test_of_readings_only_a_new_highest_costs_anything():
    assert spread_out([8, 12, 10, 15], used=15, overage=5, credits=3, is_reading=True) == [
        (8, 0, 0, 0),
        (10, 2, 0, 0),
        (10, 0, 0, 0),
        (12, 1, 0, 2),
    ]


def test_a_highest_of_an_earlier_segment_leaves_nothing_to_pay_here():
    assert spread_out([8, 12], used=20, overage=0, is_reading=True) == [(8, 0, 0, 0), (12, 0, 0, 0)]


def test_no_days_no_rows():
    assert spread_out([], used=0, overage=0) == []
    assert spread_out([], used=7, overage=2, credits=2, is_reading=True) == []
