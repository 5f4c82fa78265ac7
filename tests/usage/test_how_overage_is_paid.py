"""What each part of an overage costs and who pays it, in exact figures; what shrinks is given back in order."""

from decimal import Decimal as D

import pytest

from plans.engine.price_ladders import parse
from plans.engine.terms import CreditRate, MeterTerms
from usage.engine.coverage import (
    Coverage,
    CreditCover,
    LadderStart,
    SegmentUse,
    cover_overage,
    overages,
    payable_in_slice,
)

OWN = CreditRate("own", parse([{"price": "2"}]))
USD = CreditRate("usd", parse([{"up_to": "5", "price": "3"}, {"price": "1"}]))


def terms(beyond="credits", rates=(OWN, USD), **others):
    values = {"bill": parse([{"price": "0.10"}]), "currency": "usd"} | others
    return MeterTerms("m", 1, "sum", "x", D(0), beyond, credit_rates=rates, **values)


def pay(overage, *, earlier=None, said=None, start=None, **available):
    result = cover_overage(
        D(overage),
        earlier=earlier or Coverage({}),
        terms=said or terms(),
        available={unit: D(amount) for unit, amount in available.items()},
        ladder_start=start or LadderStart({}),
    )
    covers = {unit: (cover.quantity, cover.charged) for unit, cover in result.credits.items()}
    return covers, result.billed, result.unpaid


def test_an_overage_in_two_wallets():
    assert pay("10", own="7", usd="100") == ({"own": (D("3.5"), 7), "usd": (D("6.5"), D("16.5"))}, 0, 0)


def test_partial_cover_is_the_largest_millionth_that_can_be_paid():
    assert pay("2", own="0", usd="1") == ({"usd": (D("0.333333"), D("0.999999"))}, 0, D("1.666667"))


def test_a_later_segment_goes_on_where_the_ladder_stands():
    assert pay("2", usd="100", start=LadderStart({"usd": D(4)})) == ({"usd": (2, 4)}, 0, 0)


def test_what_was_unpaid_is_tried_again_and_the_ladder_goes_on():
    paid = Coverage({"usd": CreditCover(D(4), D(12))}, unpaid=D(3))
    assert pay("7", earlier=paid, usd="4") == ({"usd": (6, 16)}, 0, 1)


@pytest.mark.parametrize(
    ("beyond", "expected"), [("block", (0, 3)), ("credits", (0, 3)), ("bill", (2, 1)), ("credits_then_bill", (2, 1))]
)
def test_a_bill_takes_up_to_the_cap_with_what_was_billed_before(beyond, expected):
    said = terms(beyond, cap=50)
    assert pay("3", said=said, start=LadderStart({}, D(3))) == ({}, *expected)


def test_a_bill_that_grows_goes_on_where_it_stood():
    paid = Coverage({}, billed=D(4), unpaid=D(1))
    assert pay("9", earlier=paid, said=terms("bill", cap=100), start=LadderStart({}, D(3))) == ({}, 7, 2)


PAID = Coverage({"own": CreditCover(D(4), D(8)), "usd": CreditCover(D(6), D(16))}, billed=D(3), unpaid=D(2))


@pytest.mark.parametrize(
    ("overage", "expected"),
    [
        ("13", ({"own": (4, 8), "usd": (6, 16)}, 3, 0)),
        ("11", ({"own": (4, 8), "usd": (6, 16)}, 1, 0)),
        ("9", ({"own": (4, 8), "usd": (5, 15)}, 0, 0)),
        ("5", ({"own": (4, 8), "usd": (1, 3)}, 0, 0)),
        ("4", ({"own": (4, 8), "usd": (0, 0)}, 0, 0)),
        ("1.5", ({"own": (D("1.5"), 3), "usd": (0, 0)}, 0, 0)),
        ("0", ({"own": (0, 0), "usd": (0, 0)}, 0, 0)),
    ],
)
def test_what_shrinks_is_given_back_unpaid_first_then_billed_then_the_credits_drawn_last(overage, expected):
    assert pay(overage, earlier=PAID, own="100", usd="100") == expected
    assert pay(overage, earlier=PAID) == expected


def test_what_a_unit_paid_at_better_prices_is_never_charged_more_for_less():
    paid = Coverage({"usd": CreditCover(D(6), D("4"))})
    assert pay("5", earlier=paid) == ({"usd": (5, 4)}, 0, 0)


def test_a_unit_that_pays_for_nothing_new_gives_back_pro_rata():
    paid = Coverage({"old": CreditCover(D(6), D(4))})
    assert pay("5", earlier=paid) == ({"old": (5, D("3.333333"))}, 0, 0)
    assert pay("6", earlier=paid) == ({"old": (6, 4)}, 0, 0)
    assert pay("0", earlier=paid) == ({"old": (0, 0)}, 0, 0)


def test_credits_that_come_back_do_not_pay_for_themselves():
    paid = Coverage({"own": CreditCover(D(4), D(8))}, unpaid=D(0))
    assert pay("3", earlier=paid, own="0") == ({"own": (3, 6)}, 0, 0)


def test_movements_are_the_differences_without_zeroes():
    now = Coverage(
        {"usd": CreditCover(D(2), D(5)), "new": CreditCover(D(1), D(1)), "own": CreditCover(D(4), D(8))}, D(0), D(0)
    )
    paid = Coverage({"own": CreditCover(D(4), D(8)), "gone": CreditCover(D(1), D(3)), "usd": CreditCover(D(1), D(3))})
    assert now.credits_moved_since(paid) == {"gone": -3, "usd": 2, "new": 1}


@pytest.mark.parametrize(
    ("segments", "expected"),
    [
        ([("120", "100")], ["20"]),
        ([("100", "100")], ["0"]),
        ([("120", "100"), ("180", "150")], ["20", "10"]),
        ([("120", "100"), ("140", "150")], ["20", "0"]),
        ([("120", "150"), ("180", "100")], ["0", "30"]),
        ([("120", "100"), ("500", None), ("600", "100")], ["20", "0", "0"]),
        ([("120", "100"), ("110", "100"), ("125", "100")], ["20", "0", "5"]),
    ],
)
def test_an_allowance_is_the_larger_of_those_so_far_and_earlier_overage_keeps_its_segment(segments, expected):
    uses = [SegmentUse(D(used), None if included is None else D(included)) for used, included in segments]
    assert overages(uses) == [D(one) for one in expected]


@pytest.mark.parametrize(
    ("overage", "unpaid", "due", "open_"),
    [("9", "4", "9", "2"), ("7", "4", "7", "0"), ("3", "4", "7", "0"), ("9", "0", "9", "0"), ("12", "4", "12", "5")],
)
def test_a_slice_tries_only_what_is_open_of_its_own_usage(overage, unpaid, due, open_):
    paid = Coverage({"own": CreditCover(D(5), D(10))}, billed=D(2), unpaid=D(unpaid))
    assert payable_in_slice(D(overage), earlier=paid) == (D(due), Coverage(paid.credits, D(2), D(open_)))
