"""Scenario 21: monthly to annual shows the amount and leaves one subscription; annual to monthly waits, and says so."""

from datetime import timedelta

import pytest

pytestmark = pytest.mark.django_db


def test_monthly_to_annual_is_one_subscription_all_yearly_at_the_price_shown(stage, customer) -> None:
    customer.subscribe("team", "month", 5)
    before = stage.base.stripe_id
    stage.travel(days=15)
    shown = customer.review("team", "year", 5)
    due = shown.split("Due now, with your saved card $")[1].split()[0]
    customer.confirm()
    stage.deliver()
    [only] = stage.live_at_stripe()
    assert (only.id, [item.interval for item in only.items]) == (before, ["year"])
    assert f"{stage.invoices()[-1].total / 100:.2f}" == due
    assert 700 < float(due) < 750


def test_annual_to_monthly_takes_effect_at_renewal_and_says_so(stage, customer) -> None:
    customer.subscribe("team", "year", 5)
    renewal = stage.base.current_period_end
    said = customer.review("team", "month", 5)
    assert "Nothing is due now" in said and "15 Jun 2027, 12:00 UTC" in said
    customer.confirm()
    stage.deliver()
    plan = customer.read(customer.address("plan"))
    assert "Planned change" in plan and "on 15 Jun 2027, 12:00 UTC" in plan
    assert stage.terms.interval == "year"
    stage.travel(to=renewal + timedelta(minutes=1))
    stage.deliver()
    assert stage.terms.interval == "month"
    [only] = stage.live_at_stripe()
    assert [item.interval for item in only.items] == ["month"]
    assert [invoice.total for invoice in stage.invoices()] == [75000, 7500]
