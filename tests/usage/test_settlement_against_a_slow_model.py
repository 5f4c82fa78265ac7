"""However usage arrives and however often it is settled: the end is what a slow, obviously right reckoning says."""

from dataclasses import dataclass
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from plans.engine.price_ladders import Graduated, PerPackage, Tier, cost
from plans.engine.terms import CreditRate, MeterTerms
from usage.engine.coverage import (
    NOTHING_COVERED,
    Coverage,
    CreditCover,
    LadderStart,
    SegmentUse,
    cover_overage,
    overages,
    payable_in_slice,
)

ZERO = Decimal(0)
UNIT = Decimal("0.01")
whole = st.integers(0, 300).map(Decimal)
prices = st.integers(1, 50).map(lambda cents: cents * UNIT)
ladders = st.one_of(
    prices.map(lambda price: Graduated((Tier(None, price),))),
    st.builds(
        lambda up_to, first, rest: Graduated((Tier(Decimal(up_to), first), Tier(None, rest))),
        st.integers(1, 100),
        prices,
        prices,
    ),
    st.builds(lambda size, price: PerPackage(Decimal(size), price), st.integers(1, 20), prices),
)
policies = st.sampled_from(["block", "credits", "bill", "credits_then_bill"])


@dataclass
class Wallets:
    own: Decimal
    usd: Decimal


def terms_of(policy, own, usd, bill, cap=None):
    return MeterTerms(
        meter="m",
        meter_id=1,
        aggregation="sum",
        unit_name="x",
        included=ZERO,
        beyond=policy,
        credit_rates=(CreditRate("own", own), CreditRate("usd", usd)),
        bill=bill if policy in ("bill", "credits_then_bill") else None,
        currency="usd",
        cap=cap,
    )


def one_by_one(overage, terms, wallets):
    """Whole units, one after the other: from the first wallet that can pay for one more, else billed, else unpaid."""
    left = {"own": wallets.own, "usd": wallets.usd}
    covered = {"own": ZERO, "usd": ZERO}
    billed = unpaid = ZERO
    for _ in range(int(overage)):
        for rate in terms.credit_rates if terms.uses_credits else ():
            price = cost(rate.ladder, covered[rate.unit] + 1) - cost(rate.ladder, covered[rate.unit])
            if price <= left[rate.unit]:
                left[rate.unit] -= price
                covered[rate.unit] += 1
                break
        else:
            if terms.is_billed:
                billed += 1
            else:
                unpaid += 1
    return covered, left, billed, unpaid


def settled_in_steps(overages_seen, terms, wallets):
    left = {"own": wallets.own, "usd": wallets.usd}
    paid = NOTHING_COVERED
    for overage in overages_seen:
        result = cover_overage(overage, earlier=paid, terms=terms, available=left)
        for unit, amount in result.credits_moved_since(paid).items():
            left[unit] -= amount
        assert result.total == overage
        assert all(amount >= 0 for amount in left.values())
        paid = result
        assert result.credits_moved_since(paid) == {}
    return paid, left


@given(policies, ladders, ladders, ladders, st.lists(whole, min_size=1, max_size=6))
def test_with_enough_credits_the_cost_is_that_of_the_whole(policy, own, usd, bill, steps):
    terms = terms_of(policy, own, usd, bill)
    wallets = Wallets(Decimal(10**6), Decimal(10**6))
    running = [sum(steps[: n + 1], ZERO) for n in range(len(steps))]
    paid, left = settled_in_steps(running, terms, wallets)
    covered, expected, billed, unpaid = one_by_one(running[-1], terms, wallets)
    assert left == expected
    assert (paid.billed, paid.unpaid) == (billed, unpaid)
    assert sum((cover.quantity for cover in paid.credits.values()), ZERO) == sum(covered.values())


@given(policies, prices, prices, ladders, st.lists(whole, min_size=1, max_size=6), whole, whole)
def test_up_and_down_again_ends_where_it_would_have_been(policy, own, usd, bill, steps, in_own, in_usd):
    """With one price per wallet, whatever went up and came down leaves the same as going there at once."""
    terms = terms_of(policy, Graduated((Tier(None, own),)), Graduated((Tier(None, usd),)), bill)
    at_once, left_at_once = settled_in_steps([steps[-1]], terms, Wallets(in_own, in_usd))
    paid, left = settled_in_steps(steps, terms, Wallets(in_own, in_usd))
    if terms.uses_credits and not terms.is_billed:
        assert paid.unpaid == at_once.unpaid
        assert left == left_at_once


@given(ladders, ladders, whole, whole, whole)
def test_partial_cover_leaves_nothing_that_would_have_paid_for_more(own, usd, overage, in_own, in_usd):
    terms = terms_of("credits", own, usd, None)
    paid, left = settled_in_steps([overage], terms, Wallets(in_own, in_usd))
    if paid.unpaid:
        step = Decimal("0.000001")
        for rate in terms.credit_rates:
            cover = paid.credits.get(rate.unit)
            start = cover.quantity if cover else ZERO
            assert cost(rate.ladder, start + step) - cost(rate.ladder, start) > left[rate.unit]


@given(ladders, whole, st.integers(0, 20_000))
def test_the_cap_is_never_exceeded(bill, overage, cap):
    paid, _ = settled_in_steps([overage], terms_of("bill", bill, bill, bill, cap), Wallets(ZERO, ZERO))
    assert cost(bill, paid.billed) * 100 <= cap or not paid.billed


@given(st.lists(st.tuples(whole, st.one_of(st.none(), whole)), min_size=1, max_size=5))
def test_overage_of_segments_adds_up_to_the_overage_of_the_window(segments):
    """Each unit is beyond the allowance at most once, in the first segment in which it is."""
    running, uses = ZERO, []
    for used, included in segments:
        running += used
        uses.append(SegmentUse(running, included))
    found = overages(uses)
    allowance, most = ZERO, ZERO
    for use in uses:
        allowance = None if allowance is None or use.included is None else max(allowance, use.included)
        most = max(most, ZERO if allowance is None else use.used - allowance)
    assert sum(found) == most
    assert all(overage >= 0 for overage in found)


@given(whole, whole, whole, whole)
def test_a_slice_never_takes_anything_back(overage, covered, billed, unpaid):
    paid = Coverage({"own": CreditCover(covered, covered)}, billed, unpaid)
    due, open_paid = payable_in_slice(overage, earlier=paid)
    assert due >= covered + billed
    assert due <= max(overage, covered + billed)
    assert open_paid.credits == paid.credits


@given(ladders, ladders, whole, whole)
def test_a_later_segment_goes_on_where_the_ladders_stand(own, usd, first, second):
    """Two segments with the same terms cost exactly what one does."""
    terms = terms_of("credits", own, usd, None)
    plenty = {"own": Decimal(10**6), "usd": Decimal(10**6)}
    one = cover_overage(first, earlier=NOTHING_COVERED, terms=terms, available=plenty)
    ladder_start = LadderStart({unit: cover.quantity for unit, cover in one.credits.items()})
    two = cover_overage(second, earlier=NOTHING_COVERED, terms=terms, available=plenty, ladder_start=ladder_start)
    whole_window = cover_overage(first + second, earlier=NOTHING_COVERED, terms=terms, available=plenty)
    charged = sum((cover.charged for part in (one, two) for cover in part.credits.values()), ZERO)
    assert charged == sum((cover.charged for cover in whole_window.credits.values()), ZERO)
