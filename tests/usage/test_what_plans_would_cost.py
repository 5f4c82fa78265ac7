"""What the usage of the last months would have cost on each plan, and how the present window goes on."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal as D

import pytest

from payments.catalogue_file import load
from tests.usage.conftest import LONG_AGO
from usage.services.estimates import Forecast, billed_so_far, compare_plans, forecast

OFFERS = """
[[plans]]
code = "free"
name = "Free"
default = true
[[plans.allowances]]
meter = "calls"
included = "100"
beyond = "block"

[[plans]]
code = "payg"
name = "Pay as you go"
prices = [{ interval = "month", amount = 500, currency = "usd" }]
[[plans.allowances]]
meter = "calls"
included = "10"
beyond = "bill"
ladder = [{ price = "0.115" }]
cap = 1500

[[plans]]
code = "pro"
name = "Pro"
prices = [{ interval = "month", amount = 2900, currency = "usd" }]
[[plans.allowances]]
meter = "calls"
included = "unlimited"
[[plans.allowances]]
meter = "sessions"
included = "5"
beyond = "credits"
"""


@pytest.fixture
def offers(usage):
    load(text=OFFERS, now=LONG_AGO)
    return usage


def compared(usage):
    """Plan, cents a month, what it would refuse, whether it is the present one."""
    found = compare_plans(organization=usage.organization, now=usage.now)
    return [(one.plan.code, one.money.amount, one.blocked, one.is_current) for one in found if one.plan.code in OFFERED]


OFFERED = ("free", "payg", "pro")


def in_month(usage, month, quantity):
    at = datetime(2026, month, 12, tzinfo=UTC)
    usage.report("calls", quantity=quantity, at=at, now=at)


def test_without_usage_there_is_nothing_to_compare(offers):
    assert compare_plans(organization=offers.organization, now=offers.now) == []


def test_the_present_month_serves_as_long_as_no_other_is_full(offers):
    offers.report("calls", quantity="15")
    # 5 beyond at 11.5 cents: 57.5, rounded half up.
    assert compared(offers) == [("free", 0, (), True), ("payg", 558, (), False), ("pro", 2900, (), False)]


def test_the_mean_of_the_last_three_full_months_each_within_its_cap(offers):
    for month, quantity in ((1, "100000"), (3, "20"), (4, "30"), (5, "1000")):
        in_month(offers, month, quantity)
    offers.report("calls", quantity="77777")
    # 115 and 230 cents, and 11,385 of which the cap leaves 1,500: 615 a month.
    assert compared(offers) == [("payg", 1115, (), False), ("pro", 2900, (), False), ("free", 0, ("Calls",), True)]


def test_months_without_usage_are_no_months(offers):
    in_month(offers, 3, "20")
    in_month(offers, 5, "20")
    assert compared(offers)[1][:2] == ("payg", 500 + 115)


def test_a_plan_without_a_used_meter_refuses_it(offers):
    in_month(offers, 5, "3")
    offers.report("sessions", 6, at=datetime(2026, 5, 13, tzinfo=UTC), now=datetime(2026, 5, 13, 1, tzinfo=UTC))
    named = {plan: blocked for plan, _, blocked, _ in compared(offers)}
    assert named == {"free": ("Sessions",), "payg": ("Sessions",), "pro": ("Sessions",)}


def test_at_the_limit_nothing_is_refused(offers):
    in_month(offers, 5, "100")
    offers.report("sessions", 5, at=datetime(2026, 5, 13, tzinfo=UTC), now=datetime(2026, 5, 13, 1, tzinfo=UTC))
    named = {plan: blocked for plan, _, blocked, _ in compared(offers)}
    assert named == {"free": ("Sessions",), "payg": ("Sessions",), "pro": ()}


def test_who_has_a_plan_sees_which_it_is(offers):
    offers.subscribe("pro", since=datetime(2026, 6, 1, tzinfo=UTC))
    in_month(offers, 5, "3")
    assert [(plan, is_current) for plan, _, _, is_current in compared(offers)] == [
        ("free", False),
        ("payg", False),
        ("pro", True),
    ]


def going_on(usage, meter="sessions"):
    return forecast(usage.ask(meter).snapshot)


def test_a_window_goes_on_at_its_pace(usage):
    """Fourteen days and a half of thirty are over at noon of the 15th."""
    usage.report("sessions", 4)
    assert going_on(usage) == Forecast(D("0.275862"), D("8.275861"), None)
    usage.report("sessions", 4)
    per_day = D("0.551724")
    runs_out = usage.now + timedelta(days=float(2 / per_day))
    assert going_on(usage) == Forecast(per_day, D("16.551722"), runs_out)


def test_what_has_no_limit_does_not_run_out(usage):
    usage.subscribe("pro", since=datetime(2026, 6, 1, tzinfo=UTC))
    usage.users(1, 4)
    assert going_on(usage, "mau") == Forecast(D("0.275862"), D("8.275861"), None)


def test_readings_and_windows_of_less_than_a_day_have_no_pace(usage):
    usage.report("storage", quantity="4")
    assert going_on(usage, "storage") is None
    assert going_on(usage) is None
    first = datetime(2026, 6, 1, 23, 59, 59, tzinfo=UTC)
    usage.report("sessions", at=first, now=first)
    assert forecast(usage.ask("sessions", now=first).snapshot) is None
    assert forecast(usage.ask("sessions", now=first + timedelta(seconds=1)).snapshot).per_day == 1


@pytest.mark.parametrize(("sessions", "cents"), [(0, 0), (7, 70), (20, 200), (21, 200)])
def test_what_is_billed_so_far_stops_at_the_cap(usage, sessions, cents):
    usage.subscribe("payg", since=datetime(2026, 6, 1, tzinfo=UTC))
    usage.report("sessions", sessions)
    assert billed_so_far(usage.ask("sessions").snapshot) == cents


def test_what_credits_paid_is_not_billed(usage):
    usage.subscribe("payg", since=datetime(2026, 6, 1, tzinfo=UTC))
    usage.grant("mau", 2)
    usage.report("calls", quantity="15")
    assert billed_so_far(usage.ask("calls").snapshot) == 500
    usage.tally()
    assert billed_so_far(usage.ask("calls").snapshot) == 300
    assert billed_so_far(usage.ask("storage").snapshot) == 0
