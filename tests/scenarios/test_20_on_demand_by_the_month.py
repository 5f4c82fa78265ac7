"""Scenario 20: one more than bought is a monthly subscription for one; it ends, folds in, or goes unpaid alone."""

import pytest

from tests.plans.test_commitments import ON_DEMAND

pytestmark = pytest.mark.django_db


@pytest.fixture
def team(stage, customer):
    stage.sell(ON_DEMAND)
    stage.begin_with("as a customer", "team", make=lambda: customer.subscribe("team", "year", 5))
    return customer


def use(stage, backend, instances: int) -> None:
    with stage.commit():
        backend.report("instances", quantity=str(instances))
    stage.deliver()
    stage.travel(minutes=1)


def monthly(stage) -> list[tuple[str | None, int | None]]:
    return [
        (view.items[0].interval, view.items[0].quantity)
        for view in stage.live_at_stripe()
        if view.metadata["role"] == "companion"
    ]


def test_the_sixth_on_demand_is_a_monthly_subscription_for_one(stage, team, backend) -> None:
    use(stage, backend, 5)
    assert monthly(stage) == []
    assert backend.may("instances") == (True, "on_demand")
    use(stage, backend, 6)
    assert monthly(stage) == [("month", 1)]
    assert "On demand 1" in team.read(team.address("plan"))


def test_back_to_five_it_ends(stage, team, backend) -> None:
    use(stage, backend, 6)
    use(stage, backend, 5)
    stage.travel(days=32)
    stage.deliver()
    assert monthly(stage) == []
    assert stage.terms.meters["instances"].included == 5


def test_folding_it_in_makes_ten_bought_and_no_monthly_one(stage, team, backend) -> None:
    use(stage, backend, 6)
    team.page = team.browser.get(team.address("fold")).content.decode()
    team.confirm("fold")
    stage.deliver()
    assert monthly(stage) == []
    answer = backend.client.get(f"/organizations/{stage.organization.public_id}/entitlements/instances").json()
    assert answer["commitment"] == {"bought": "10", "used": "6"}


def test_the_monthly_one_unpaid_leaves_the_five(stage, team, backend) -> None:
    use(stage, backend, 6)
    stage.use_card("pm_card_chargeCustomerFail")
    for days in (31, 3, 5):
        stage.travel(days=days)
        stage.deliver()
    assert stage.companion.dunning_status == "downgraded"
    assert (stage.terms.plan, stage.terms.meters["instances"].included) == ("team", 5)
    assert backend.may("instances") == (False, "commitment_reached")
    use(stage, backend, 4)
    assert backend.may("instances")[0]
