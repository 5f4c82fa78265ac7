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


THREE = parse([{"up_to": "10", "price": "2"}, {"up_to": "25", "price": "0"}, {"price": "0.5"}])


@pytest.mark.parametrize(
    ("quantity", "total"), [("9.5", "19"), ("10", "20"), ("10.000001", "20"), ("25", "20"), ("25.000001", "20.000001")]
)
def test_at_the_end_of_a_tier_its_own_price_still_holds(quantity: str, total: str) -> None:
    assert cost(THREE, D(quantity)) == D(total)


@pytest.mark.parametrize(
    ("amount", "start", "wanted", "quantity"),
    [
        ("19", "0", "100", "9.5"),
        ("20", "0", "100", "25"),  # the tier that costs nothing comes with it
        ("20.5", "0", "100", "26"),
        ("0", "0", "100", "0"),
        ("0", "10", "100", "15"),
        ("0.5", "25", "100", "1"),
        ("1", "24", "3", "3"),
        ("1", "30", "0", "0"),
    ],
)
def test_how_far_an_amount_goes_from_where_one_stands(amount: str, start: str, wanted: str, quantity: str) -> None:
    assert affordable(THREE, amount=D(amount), start=D(start), wanted=D(wanted)) == D(quantity)


@pytest.mark.parametrize(("amount", "start", "quantity"), [("1.49", "0", "20"), ("0.49", "0", "0"), ("0", "3", "7")])
def test_a_package_that_was_begun_is_used_up_for_nothing(amount: str, start: str, quantity: str) -> None:
    assert affordable(PerPackage(D(10), D("0.50")), amount=D(amount), start=D(start), wanted=D(100)) == D(quantity)


@pytest.mark.parametrize("free", [[{"price": "0"}], {"size": "10", "price": "0"}])
def test_what_costs_nothing_has_no_limit(free: object) -> None:
    assert affordable(parse(free), amount=D(0), start=D(5), wanted=D(10) ** 13) == D(10) ** 13


@pytest.mark.parametrize(("cap", "quantity"), [(0, "0"), (99, "9.9"), (100, "10"), (101, "10.1"), (200, "12")])
def test_a_cap_counts_what_was_billed_before(cap: int, quantity: str) -> None:
    each = parse([{"price": "0.10"}])
    assert affordable_within_cap(each, cap=cap + 50, minor_digits=2, start=D(5), wanted=D(12)) == D(quantity)


def test_a_cap_that_was_lowered_below_what_was_billed_leaves_nothing() -> None:
    assert affordable_within_cap(parse([{"price": "1"}]), cap=100, minor_digits=2, start=D(5), wanted=D(1)) == 0


def test_money_is_the_difference_of_rounded_totals_in_the_currencys_own_digits() -> None:
    each = parse([{"price": "0.0005"}])
    assert [money_cost(each, D(n), minor_digits=3) for n in (0, 1, 2, 3)] == [0, 1, 1, 2]
    assert [money_cost(each, D(n), minor_digits=0) for n in (999, 1000)] == [0, 1]


@pytest.mark.parametrize(
    ("ladder", "words", "written"),
    [
        ([{"price": "0.50"}], "0.5 each", [{"price": "0.5"}]),
        (
            [{"up_to": "1000000", "price": "0.003"}, {"up_to": "2000000.50", "price": 10}, {"price": "0"}],
            "0.003 up to 1000000, 10 up to 2000000.5, then 0",
            [{"up_to": "1000000", "price": "0.003"}, {"up_to": "2000000.5", "price": "10"}, {"price": "0"}],
        ),
        ({"size": "1000.0", "price": "1E+1"}, "10 per 1000", {"size": "1000", "price": "10"}),
    ],
)
def test_a_ladder_says_what_it_costs(ladder: object, words: str, written: object) -> None:
    assert str(parse(ladder)) == words
    assert parse(ladder).as_json() == written


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ([{"price": "1"}, "2"], "A ladder is a list of tiers, or a package with a size and a price."),
        (
            [{"up_to": "5", "price": "1"}, {"up_to": "4.999999", "price": "1"}, {"price": "1"}],
            "Tier 2 must end above 5, with at most six decimal places.",
        ),
        (
            [{"up_to": "0", "price": "1"}, {"price": "1"}],
            "Tier 1 must end above 0, with at most six decimal places.",
        ),
        (
            [{"price": "0.0000000000001"}],
            "Tier 1 must have a price of zero or more, with at most twelve decimal places.",
        ),
        (
            [{"price": True}],
            "The price of tier 1 must be a decimal number, written as a string or a JSON number, below 10^14.",
        ),
        ([{"price": "few"}], "The price of tier 1 must be a decimal number such as 12.5, below 10^14."),
        ([{"price": "100000000000000"}], "The price of tier 1 must be a number below 10^14."),
        ([{"up_to": "-100000000000000", "price": "1"}], "The end of tier 1 must be a number below 10^14."),
        ([{"price": "1", "b": 1, "a": 1}], "Tier 1 has an unknown key 'a'; it takes price and up_to."),
        (
            {"size": "0.0000001", "price": "1"},
            "A package's size must be more than zero, with at most six decimal places.",
        ),
        (
            {"size": "-1", "price": "1"},
            "A package's size must be more than zero, with at most six decimal places.",
        ),
        (
            {"size": "1", "price": "-0.01"},
            "A package must have a price of zero or more, with at most twelve decimal places.",
        ),
        ({"size": "1", "price": "1", "up_to": "3"}, "A package has an unknown key 'up_to'; it takes price and size."),
    ],
)
def test_a_refusal_is_one_exact_sentence(value: object, message: str) -> None:
    with pytest.raises(InvalidLadder) as refused:
        parse(value)
    assert str(refused.value) == message


def test_the_smallest_tier_package_and_price_that_can_be() -> None:
    assert cost(parse([{"up_to": "0.000001", "price": "99999999999999"}, {"price": "0"}]), D(1)) == D("99999999.999999")
    assert cost(parse({"size": "0.000001", "price": "0.000000000001"}), D(1)) == D("0.000001")


def test_prices_are_read_as_people_type_them():
    assert parse([{"up_to": "10.", "price": " .07"}, {"price": "7."}]) == Graduated(
        (Tier(D(10), D("0.07")), Tier(None, D(7)))
    )
