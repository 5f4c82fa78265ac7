"""Forecasts, low marks, shares that are refunded, and what a wallet has: exact figures, without a database."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal as D

import pytest

from credits.engine.burn_order import Lot, draw, in_burn_order
from credits.engine.forecast import per_day, round_up_to_step, runs_out_at
from credits.engine.gift_card_codes import ALPHABET, hash_of, last_four, new_code, normalised
from credits.engine.low_balance import is_low, next_watch
from credits.engine.refund_limits import Refundable, credits_for, money_for, refundable
from credits.engine.wallet_state import Lapsed, NextExpiry, wallet_state

NOW = datetime(2026, 6, 15, 12, tzinfo=UTC)
DAY = timedelta(days=1)
INSTANT = timedelta(microseconds=1)


def lot(number, remaining, *, held=0, days=None, **others):
    return Lot(
        id=number,
        remaining=D(remaining),
        held=D(held),
        created_at=others.pop("created_at", NOW - DAY),
        expires_at=None if days is None else NOW + days * DAY,
        **others,
    )


def test_the_order_in_which_lots_burn():
    lots = [
        lot(8, 1),
        lot(7, 1),
        lot(6, 1, created_at=NOW - 2 * DAY),
        lot(5, 1, paid=True, days=9),
        lot(4, 1, days=9),
        lot(3, 1, days=8, paid=True),
        lot(2, 1, priority=49),
        lot(1, 1, priority=51, days=1),
    ]
    assert [one.id for one in in_burn_order(lots)] == [2, 3, 4, 5, 6, 7, 8, 1]


def test_a_draw_takes_what_is_free_and_stops_when_it_has_enough():
    lots = [
        lot(1, 5, held=3, days=1),
        lot(2, 4, held=4),
        lot(3, 4, frozen_at=NOW),
        lot(4, 9, days=0),
        lot(5, "0.5", days=2),
        lot(6, 7),
    ]
    assert [(one.lot.id, one.amount) for one in draw(lots, D("4.5"), at=NOW)] == [(1, 2), (5, D("0.5")), (6, 2)]
    assert [(one.lot.id, one.amount) for one in draw(lots, D("2"), at=NOW)] == [(1, 2)]
    assert [(one.lot.id, one.amount) for one in draw(lots, D("2.1"), at=NOW)] == [(1, 2), (5, D("0.1"))]
    assert sum(one.amount for one in draw(lots, D(100), at=NOW)) == D("9.5")
    assert draw(lots, D(0), at=NOW) == []


def test_a_lot_is_gone_at_the_instant_of_its_expiry_unless_it_stands_still():
    assert lot(1, 1, days=1).is_spendable(NOW + DAY - INSTANT)
    assert not lot(1, 1, days=1).is_live(NOW + DAY)
    frozen = lot(1, 1, days=1, frozen_at=NOW)
    assert frozen.is_live(NOW + 9 * DAY) and not frozen.is_spendable(NOW)
    assert lot(1, "0.000001").is_spendable(NOW) and not lot(1, 1, held=1).is_spendable(NOW)


def test_a_mean_has_six_places():
    assert per_day(D(1), days=3) == D("0.333333")
    assert per_day(D(2), days=3) == D("0.666667")
    assert per_day(D(0), days=7) == 0


def test_credits_run_out_when_they_are_used_or_lapse_whichever_is_first():
    assert runs_out_at([lot(1, 10)], D(4), at=NOW) == NOW + 2.5 * DAY
    assert runs_out_at([lot(1, 10, held=4)], D(4), at=NOW) == NOW + 1.5 * DAY
    assert runs_out_at([lot(1, 10, days=2)], D(4), at=NOW) == NOW + 2 * DAY
    # Two days of the first, which lapses with 2 left; the second lasts a day and a half from then on.
    assert runs_out_at([lot(2, 6), lot(1, 10, days=2)], D(4), at=NOW) == NOW + 3.5 * DAY
    # The second lapses while the first is still used.
    assert runs_out_at([lot(1, 8, priority=1), lot(2, 6, days=1)], D(4), at=NOW) == NOW + 2 * DAY
    assert runs_out_at([], D(4), at=NOW) == NOW


@pytest.mark.parametrize(("remaining", "is_far"), [("99999.999999", False), ("100000", True)])
def test_what_is_centuries_away_has_no_date(remaining, is_far):
    assert (runs_out_at([lot(1, remaining)], D(1), at=NOW) is None) is is_far
    assert runs_out_at([lot(1, remaining, days=5)], D(1), at=NOW) == NOW + 5 * DAY


@pytest.mark.parametrize(
    ("amount", "step", "up"), [("1.01", "0.5", "1.5"), ("1.5", "0.5", "1.5"), ("0", "5", "0"), ("0.000001", "5", "5")]
)
def test_amounts_round_up_to_a_step(amount, step, up):
    assert round_up_to_step(D(amount), D(step)) == D(up)


@pytest.mark.parametrize(
    ("available", "threshold", "low"),
    [("2", None, False), ("1.999999", None, True), ("7", "7", False), ("6.9", "7", True), ("0", "0", False)],
)
def test_low_is_less_than_a_fifth_or_than_the_own_mark(available, threshold, low):
    own = None if threshold is None else D(threshold)
    assert is_low(D(available), level=D(10), threshold=own) is low


@pytest.mark.parametrize(
    ("sent", "top_up_at", "mark"),
    [
        ((False, False), None, 2),
        ((True, False), None, 0),
        ((True, True), None, None),
        ((False, True), None, 2),
        ((True, True), D(5), 5),
        ((True, False), D(5), 5),
        ((False, False), D(1), 2),
        ((True, True), D(0), 0),
    ],
)
def test_the_next_balance_at_which_somebody_must_look(sent, top_up_at, mark):
    alerts = dict(zip(("low_sent", "exhausted_sent"), sent, strict=True))
    assert next_watch(level=D(10), threshold=None, top_up_at=top_up_at, **alerts) == mark


def test_money_of_credits_is_rounded_down_and_credits_of_money_too():
    assert [money_for(D(n), amount=D(3), paid=100) for n in (0, 1, 2, 3)] == [0, 33, 66, 100]
    whole = {"amount": D(1), "paid": 3}
    assert [credits_for(n, before=0, **whole) for n in (0, 1, 2, 3, 4)] == [0, D("0.333333"), D("0.666666"), 1, 1]
    assert [credits_for(1, before=n, **whole) for n in (0, 1, 2, 3)] == [D("0.333333"), D("0.333333"), D("0.333334"), 0]


def test_what_of_a_lot_may_be_refunded():
    assert refundable(lot(1, 10, held=4), amount=D(12), paid=1000, at=NOW) == Refundable(D(6), 500)
    assert refundable(lot(1, 10), amount=D(12), paid=0, at=NOW) == Refundable(D(0), 0)
    assert refundable(lot(1, 10, days=0), amount=D(12), paid=1000, at=NOW) == Refundable(D(0), 0)
    assert refundable(lot(1, 12, days=0, frozen_at=NOW), amount=D(12), paid=1000, at=NOW) == Refundable(D(12), 1000)


def test_what_a_wallet_has():
    lots = [
        lot(1, 5, held=2, days=1),
        lot(2, 7, days=1),
        lot(3, 4, frozen_at=NOW, days=3),
        lot(4, 6, held=1, days=0),
        lot(5, 3, days=2),
    ]
    state = wallet_state(lots, debt=D(0), at=NOW)
    assert (state.available, state.held, state.frozen, state.debt) == (13, 3, 4, 0)
    assert state.balance == 13 + 3 + 4
    assert state.next_expiry == NextExpiry(D(10), NOW + DAY)
    assert [one.id for one in state.lots] == [1, 2, 5, 3]
    assert state.usable == 13


def test_under_debt_nothing_is_usable():
    state = wallet_state([lot(1, 5)], debt=D("0.5"), at=NOW)
    assert (state.balance, state.available, state.usable) == (D("4.5"), 5, 0)


def test_what_never_lapses_is_no_next_expiry():
    assert wallet_state([lot(1, 5), lot(2, 5, days=3, held=5)], debt=D(0), at=NOW).next_expiry is None


def test_lapsed_holds_repay_debt_in_the_order_of_their_deadlines():
    lots = [lot(1, 5, held=5, days=9), lot(2, 4, held=4, days=-1), lot(3, 3, held=3, frozen_at=NOW), lot(4, 2, held=2)]
    early, late = NOW - 3 * DAY, NOW - DAY / 2
    lapsed = [Lapsed(4, D(2), late), Lapsed(3, D(3), early), Lapsed(2, D(4), NOW - DAY), Lapsed(1, D(5), early)]
    state = wallet_state(lots, debt=D(6), lapsed=lapsed, at=NOW)
    # The first repays 5, the frozen one nothing, the second was gone at its deadline, the last repays 1 of its 2.
    assert (state.debt, state.held, state.available, state.frozen) == (0, 0, 1, 3)
    assert state.balance == 4
    assert [(one.id, one.remaining) for one in state.lots] == [(3, 3), (4, 1)]


def test_codes_are_read_as_they_were_meant():
    assert normalised(" oil0-abcd_xyz ") == "0110ABCDXYZ"
    assert hash_of("oIl0") == hash_of("0110") != hash_of("0111")
    assert last_four("ab-cd-ef") == "CDEF"


def test_new_codes_have_twenty_letters_in_groups_of_four():
    codes = {new_code() for _ in range(50)}
    assert len(codes) == 50
    for code in codes:
        groups = code.split("-")
        assert [len(group) for group in groups] == [4] * 5
        assert set("".join(groups)) <= set(ALPHABET)
