"""The answer to "may this organization use so much more of this meter now?", part by part, as values."""

from decimal import Decimal as D

import pytest

from plans.engine.commitments import Bounds
from plans.engine.price_ladders import parse
from plans.engine.terms import CommitmentTerms, CreditRate, MeterTerms
from usage.engine.coverage import Coverage, CreditCover, LadderStart
from usage.engine.entitlement import Decision, Draw, Funds, MeterUse, decide

OWN = CreditRate("own", parse([{"price": "1"}]))
USD = CreditRate("usd", parse([{"up_to": "10", "price": "0.5"}, {"price": "0.25"}]))
BILL = parse([{"price": "0.10"}])
BOUNDS = Bounds(5, 5, None)


def terms(beyond="credits", *, included="100", aggregation="sum", **others):
    return MeterTerms(
        meter="m",
        meter_id=1,
        aggregation=aggregation,
        unit_name="x",
        included=None if included is None else D(included),
        beyond=beyond,
        **({"credit_rates": (OWN, USD), "bill": BILL, "currency": "usd"} | others),
    )


def answer(quantity, said, *, used="0", charged=None, funds=None, suspended=False, **use):
    figures = {
        name: value if isinstance(value, (int, Coverage, LadderStart)) else D(value) for name, value in use.items()
    }
    return decide(
        quantity=D(quantity),
        terms=said,
        use=MeterUse(D(used), D(charged or used), **figures),
        funds={unit: Funds(D(amount), D(debt)) for unit, (amount, debt) in (funds or {}).items()},
        suspended=suspended,
    )


def allowed(code, included="0", draws=(), to_bill="0"):
    return Decision(True, code, D(included), tuple(Draw(u, D(q), D(c)) for u, q, c in draws), D(to_bill))


def refused(code, missing, included="0", draws=(), to_bill="0"):
    parts = tuple(Draw(u, D(q), D(c)) for u, q, c in draws)
    return Decision(False, code, D(included), parts, D(to_bill), D(missing))


def test_what_is_not_on_at_all_misses_everything():
    assert answer("7", terms(), suspended=True) == refused("suspended", "7")
    assert answer("7", None) == refused("no_plan_for_meter", "7")


@pytest.mark.parametrize(
    ("open_holds", "wanted"), [(1, allowed("allowance", "7")), (2, refused("concurrency_reached", "7"))]
)
def test_so_many_jobs_at_once(open_holds, wanted):
    assert answer("7", terms(concurrency=2), open_holds=open_holds) == wanted


def test_another_reason_to_refuse_comes_before_that_of_concurrency():
    assert answer("101", terms("block", concurrency=0)).code == "limit_reached"


@pytest.mark.parametrize(
    ("quantity", "wanted"),
    [
        ("3", allowed("allowance", "3")),
        ("3.5", refused("commitment_reached", "0.5")),
        ("20", refused("commitment_reached", "17")),
    ],
)
def test_a_commitment_lets_through_what_was_bought(quantity, wanted):
    said = terms("block", commitment=CommitmentTerms(10, BOUNDS, on_demand=False))
    assert answer(quantity, said, used="5", held_included="2") == wanted


def test_beyond_a_commitment_more_may_come_on_demand():
    said = terms("block", commitment=CommitmentTerms(10, BOUNDS, on_demand=True))
    assert answer("3", said, used="7") == allowed("allowance", "3")
    assert answer("4", said, used="7") == allowed("on_demand", "4")


def test_a_commitment_that_shrank_below_its_use_misses_no_more_than_is_asked():
    said = terms("block", commitment=CommitmentTerms(5, BOUNDS, on_demand=False))
    assert answer("1", said, used="8") == refused("commitment_reached", "1")


def test_without_a_limit_everything_is_included():
    assert answer("9", terms("block", included=None), used="1000000") == allowed("allowance", "9")


@pytest.mark.parametrize(
    ("quantity", "wanted"),
    [
        ("10", allowed("allowance", "10")),
        ("10.5", refused("limit_reached", "0.5", "10")),
        ("30", refused("limit_reached", "20", "10")),
    ],
)
def test_what_open_holds_set_aside_of_the_allowance_counts_as_used(quantity, wanted):
    assert answer(quantity, terms("block"), used="80", held_included="10") == wanted


def test_the_own_unit_pays_first_and_the_currency_the_rest_on_its_own_ladder():
    funds = {"own": ("4", "0"), "usd": ("6", "0")}
    assert answer("20", terms(), used="98", funds=funds) == allowed(
        "credits", "2", [("own", "4", "4"), ("usd", "14", "6")]
    )
    assert answer("21.5", terms(), used="98", funds=funds) == refused(
        "limit_reached", "1.5", "2", [("own", "4", "4"), ("usd", "14", "6")]
    )


def test_ladders_go_on_where_settlement_earlier_segments_and_open_holds_stand():
    said = terms(credit_rates=(USD,))
    coverage = Coverage({"usd": CreditCover(D(4), D(2))})
    use = {
        "used": "104",
        "overage": "4",
        "coverage": coverage,
        "ladder_start": LadderStart({"usd": D(3)}),
        "held_credits": "1",
    }
    # Three before, four paid, one held: two more of the first ten, then at half the price.
    assert answer("6", said, funds={"usd": ("2", "0")}, **use) == allowed("credits", "0", [("usd", "6", "2")])
    assert answer("6", said, funds={"usd": ("1.999999", "0")}, **use) == refused(
        "limit_reached", "0.000004", "0", [("usd", "5.999996", "1.999999")]
    )


def test_what_is_not_settled_yet_is_paid_for_first():
    said, funds = terms(credit_rates=(OWN,)), {"own": ("5", "0")}
    assert answer("2", said, used="103", overage="3", funds=funds) == allowed("credits", "0", [("own", "2", "2")])
    assert answer("3", said, used="103", overage="3", funds=funds) == refused(
        "limit_reached", "1", "0", [("own", "2", "2")]
    )
    assert answer("1", said, used="107", overage="7", funds=funds) == refused("limit_reached", "3")


def test_what_earlier_segments_left_unpaid_refuses_whatever_there_is():
    funds = {"own": ("50", "0")}
    assert answer("1", terms(), used="100", earlier_unpaid="2", funds=funds) == refused(
        "limit_reached", "2", "0", [("own", "1", "1")]
    )


def test_usage_that_shrank_gives_nothing_to_spend_before_it_is_settled():
    coverage = Coverage({"own": CreditCover(D(5), D(5))})
    said = terms(credit_rates=(OWN,))
    assert answer("1", said, used="100", overage="0", coverage=coverage, funds={"own": ("0", "0")}) == refused(
        "limit_reached", "1"
    )


@pytest.mark.parametrize(
    ("funds", "code"),
    [
        ({"own": ("5", "1"), "usd": ("0", "0")}, "debt"),
        ({"usd": ("5", "0.000001")}, "debt"),
        ({"other": ("5", "1")}, "limit_reached"),
        ({}, "limit_reached"),
    ],
)
def test_debt_in_a_wallet_that_would_pay_is_the_reason(funds, code):
    assert answer("2", terms(), used="100", funds=funds) == refused(code, "2")


def test_debt_in_one_wallet_leaves_the_other_to_pay():
    funds = {"own": ("5", "1"), "usd": ("1", "0")}
    assert answer("2", terms(), used="100", funds=funds) == allowed("credits", "0", [("usd", "2", "1")])


def test_debt_is_no_reason_where_credits_pay_for_nothing():
    assert answer("1", terms("block"), used="100", funds={"own": ("5", "1")}).code == "limit_reached"


@pytest.mark.parametrize(
    ("quantity", "wanted"),
    [("7", allowed("billed", "2", to_bill="5")), ("8", refused("budget_reached", "1", "2", to_bill="5"))],
)
def test_a_bill_goes_up_to_its_cap_with_all_that_was_billed_or_is_held_for_it(quantity, wanted):
    said = terms("bill", cap=100)
    use = {
        "used": "98",
        "ladder_start": LadderStart({}, D(1)),
        "coverage": Coverage({}, D(3)),
        "overage": "3",
        "held_to_bill": "1",
    }
    assert answer(quantity, said, **use) == wanted


def test_a_bill_without_a_cap_has_no_end():
    assert answer("1000000", terms("bill"), used="100") == allowed("billed", to_bill="1000000")


def test_credits_pay_before_the_bill_does():
    funds = {"own": ("3", "0")}
    said = terms("credits_then_bill", cap=40)
    assert answer("7", said, used="100", funds=funds) == allowed("billed", "0", [("own", "3", "3")], "4")
    assert answer("3", said, used="100", funds=funds) == allowed("credits", "0", [("own", "3", "3")])
    assert answer("8", said, used="100", funds=funds) == refused("budget_reached", "1", "0", [("own", "3", "3")], "4")


@pytest.mark.parametrize(
    ("quantity", "wanted"),
    [
        ("4", allowed("credits", "0")),  # up to the highest of the window, which is paid
        ("5", allowed("credits", "0", [("own", "1", "1")])),
        ("9", refused("limit_reached", "3", "0", [("own", "2", "2")])),
    ],
)
def test_a_reading_goes_up_again_to_the_windows_highest_for_nothing(quantity, wanted):
    said = terms(aggregation="latest", credit_rates=(OWN,))
    use = {"used": "102", "charged": "106", "overage": "6", "coverage": Coverage({"own": CreditCover(D(6), D(6))})}
    assert answer(quantity, said, funds={"own": ("2", "0")}, **use) == wanted


def test_of_a_reading_below_what_is_included_only_what_goes_beyond_is_paid():
    said = terms(aggregation="latest", credit_rates=(OWN,))
    assert answer("30", said, used="90", funds={"own": ("20", "0")}) == allowed("credits", "10", [("own", "20", "20")])


@pytest.mark.parametrize(
    ("decision", "blocked"),
    [
        (allowed("allowance", "1"), ""),
        (allowed("billed", to_bill="1"), ""),
        (refused("limit_reached", "1"), "limit_reached"),
        (refused("suspended", "1"), "suspended"),
        (refused("concurrency_reached", "1"), ""),
        (refused("no_plan_for_meter", "1"), ""),
    ],
)
def test_what_comes_and_goes_by_the_second_blocks_nothing(decision, blocked):
    assert decision.blocked == blocked
