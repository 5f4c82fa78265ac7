"""Which quantities of a commitment can be bought."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from plans.engine.commitments import Bounds, QuantityRefused

BUNDLES = Bounds(minimum=5, bundle=5, maximum=100)


@pytest.mark.parametrize("quantity", [5, 10, 95, 100])
def test_bundles_are_accepted(quantity: int) -> None:
    assert BUNDLES.require(quantity) == quantity


@pytest.mark.parametrize(
    ("quantity", "message"),
    [(0, "smallest quantity is 5"), (4, "smallest"), (105, "largest quantity is 100"), (7, "choose 5 or 10")],
)
def test_other_quantities_are_refused_with_what_can_be_bought(quantity: int, message: str) -> None:
    with pytest.raises(QuantityRefused, match=message):
        BUNDLES.require(quantity)


def test_the_next_bundle_after_five_is_ten_and_after_the_maximum_there_is_none() -> None:
    assert [BUNDLES.next_after(bought) for bought in (0, 5, 6, 95, 100)] == [5, 10, 10, 100, None]


@given(
    minimum=st.integers(1, 50),
    bundle=st.integers(1, 50),
    room=st.none() | st.integers(0, 500),
    used=st.integers(0, 700),
)
def test_what_covers_the_use_is_the_least_that_can_be_bought(
    minimum: int, bundle: int, room: int | None, used: int
) -> None:
    bounds = Bounds(minimum, bundle, None if room is None else minimum + room)
    quantity = bounds.covering(used)
    assume(quantity is not None)
    assert bounds.require(quantity) >= used
    assert quantity == minimum or quantity - bundle < used


@pytest.mark.parametrize(
    ("bounds", "quantity", "message"),
    [
        (Bounds(5, 5, 100), 4, "The smallest quantity is 5."),
        (Bounds(5, 5, 100), 101, "The largest quantity is 100."),
        (Bounds(5, 5, 100), 99, "It is sold in bundles of 5: choose 95 or 100."),
        (Bounds(3, 10, 20), 14, "It is sold in bundles of 10: choose 13."),
        (Bounds(3, 10, 23), 14, "It is sold in bundles of 10: choose 13 or 23."),
        (Bounds(3, 10, None), 1004, "It is sold in bundles of 10: choose 1003 or 1013."),
    ],
)
def test_a_refusal_is_one_exact_sentence(bounds: Bounds, quantity: int, message: str) -> None:
    with pytest.raises(QuantityRefused) as refused:
        bounds.require(quantity)
    assert str(refused.value) == message


@pytest.mark.parametrize(
    ("used", "covering", "next_one"),
    [(0, 3, 3), (3, 3, 13), (4, 13, 13), (13, 13, 23), (14, 23, 23), (23, 23, None), (24, None, None)],
)
def test_bundles_are_counted_from_the_minimum(used: int, covering: int | None, next_one: int | None) -> None:
    bounds = Bounds(3, 10, 25)
    assert (bounds.covering(used), bounds.next_after(used)) == (covering, next_one)


def test_without_bundles_one_more_is_the_next() -> None:
    assert [Bounds(2, 1, 5).next_after(bought) for bought in (0, 2, 3, 4, 5)] == [2, 3, 4, 5, None]
