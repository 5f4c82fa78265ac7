"""What quantities cost, and how far an amount goes."""

from decimal import Decimal as D
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plans.engine.price_ladders import (
    STEP,
    Graduated,
    InvalidLadder,
    Ladder,
    PerPackage,
    Tier,
    affordable,
    affordable_within_cap,
    cost,
    cost_of_span,
    money_cost,
    parse,
)

RATE = parse([{"up_to": "1000000", "price": "0.003"}, {"price": "0.0022"}])

quantities = st.decimals(min_value=0, max_value=5_000_000, places=6)
prices = st.decimals(min_value=0, max_value=20, places=8)


@st.composite
def graduated(draw: st.DrawFn) -> Ladder:
    ends = sorted(draw(st.sets(st.decimals(min_value="0.000001", max_value=2_000_000, places=6), max_size=4)))
    tiers = [Tier(end, draw(prices)) for end in ends]
    return Graduated((*tiers, Tier(None, draw(prices))))


packages = st.builds(PerPackage, st.decimals(min_value="0.000001", max_value=10_000, places=6), prices)
some_ladder = graduated() | packages


@pytest.mark.parametrize(
    ("quantity", "total"),
    [("0", "0"), ("1000", "3.000"), ("1005", "3.015"), ("1500000", "4100"), ("0.0001", "0.000001")],
)
def test_graduated_costs(quantity: str, total: str) -> None:
    assert cost(RATE, D(quantity)) == D(total)


@pytest.mark.parametrize(("tokens", "total"), [("0", "0"), ("1", "0.50"), ("1000", "0.50"), ("1000.000001", "1")])
def test_a_package_begun_is_paid_in_full(tokens: str, total: str) -> None:
    assert cost(PerPackage(D(1000), D("0.50")), D(tokens)) == D(total)


@given(ladder=some_ladder, quantity=quantities)
def test_a_ladder_survives_being_written_down(ladder: Ladder, quantity: D) -> None:
    assert cost(parse(ladder.as_json()), quantity) == cost(ladder, quantity)


@given(ladder=graduated(), quantity=quantities)
def test_graduated_costs_agree_with_counting_tier_by_tier(ladder: Graduated, quantity: D) -> None:
    total, below = D(0), D(0)
    for tier in ladder.tiers:
        top = quantity if tier.up_to is None else min(tier.up_to, quantity)
        if top > below:
            total += (top - below) * tier.price
            below = top
    assert total <= cost(ladder, quantity) < total + STEP


@given(ladder=some_ladder, points=st.lists(quantities, min_size=2, max_size=6))
def test_spans_add_up_to_the_whole_however_it_is_cut(ladder: Ladder, points: list[D]) -> None:
    points.sort()
    spans = [cost_of_span(ladder, start=a, end=b) for a, b in pairwise(points)]
    assert sum(spans) == cost_of_span(ladder, start=points[0], end=points[-1])
    assert all(span >= 0 for span in spans)


@given(
    ladder=some_ladder,
    amount=st.decimals(min_value=0, max_value=100_000, places=6),
    start=quantities,
    wanted=quantities,
)
def test_what_is_affordable_is_the_most_that_is(ladder: Ladder, amount: D, start: D, wanted: D) -> None:
    quantity = affordable(ladder, amount=amount, start=start, wanted=wanted)
    assert 0 <= quantity <= wanted
    assert quantity == quantity.quantize(STEP)
    assert cost_of_span(ladder, start=start, end=start + quantity) <= amount
    if quantity < wanted:
        assert cost_of_span(ladder, start=start, end=start + quantity + STEP) > amount


@given(ladder=some_ladder, quantity=quantities)
def test_money_is_rounded_half_up_once(ladder: Ladder, quantity: D) -> None:
    exact = ladder.exact_cost(quantity) * 100
    assert abs(money_cost(ladder, quantity, minor_digits=2) - exact) <= D("0.5")


def test_half_a_cent_is_a_cent() -> None:
    each = parse([{"price": "0.005"}])
    assert [money_cost(each, D(n), minor_digits=2) for n in (0, 1, 2, 3)] == [0, 1, 1, 2]


def test_yen_have_no_minor_digits() -> None:
    assert money_cost(parse([{"price": "7"}]), D(50), minor_digits=0) == 350


@given(ladder=some_ladder, cap=st.integers(min_value=0, max_value=10_000_000), start=quantities, wanted=quantities)
def test_a_cap_is_never_exceeded(ladder: Ladder, cap: int, start: D, wanted: D) -> None:
    quantity = affordable_within_cap(ladder, cap=cap, minor_digits=2, start=start, wanted=wanted)
    assert 0 <= quantity <= wanted
    if quantity:
        assert money_cost(ladder, start + quantity, minor_digits=2) <= cap
    if quantity < wanted:
        assert ladder.exact_cost(start + quantity + STEP) * 100 > cap


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ([], "at least one tier"),
        ("0.003", "list of tiers"),
        ([{"up_to": "10", "price": "1"}], "last tier has no upper end"),
        ([{"price": "1"}, {"price": "2"}], "Tier 1 needs an upper end"),
        ([{"up_to": "10", "price": "1"}, {"up_to": "10", "price": "1"}, {"price": "1"}], "Tier 2 must end above 10"),
        ([{"up_to": "0.0000001", "price": "1"}, {"price": "1"}], "at most six decimal places"),
        ([{"price": "-1"}], "zero or more"),
        ([{"price": "NaN"}], "10^14"),
        ([{"price": 0.1}], "written as a string"),
        ([{"cost": "1"}], "unknown key 'cost'"),
        ({"size": "0", "price": "1"}, "more than zero"),
        ({"size": "1000"}, "The price must be"),
    ],
)
def test_an_impossible_ladder_is_refused_by_its_part(value: object, message: str) -> None:
    with pytest.raises(InvalidLadder, match=message.replace("^", r"\^")):
        parse(value)
