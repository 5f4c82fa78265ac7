"""Bought and used apart: the next bundle, on demand by the month, and folding in."""

from datetime import timedelta
from decimal import Decimal as D

import pytest

from notifications.models import Event
from plans.errors import NothingToFoldIn
from plans.models import OnDemand, Subscription
from plans.services.commitment_fold_in import fold_in, quote_fold_in
from plans.services.companion_subscription import adjust_on_demand, drop_on_demand, sync_companion
from plans.services.dunning import run_dunning
from plans.services.plan_changes import change_plan
from plans.services.quotes import quote_change

pytestmark = pytest.mark.django_db

FAILING, GOOD = "pm_card_chargeCustomerFail", "pm_card_visa"
ON_DEMAND = (
    '[[plans]]\ncode = "team"\n[plans.commitment]\nmeter = "instances"\nminimum = 5\nbundle = 5\nmaximum = 100\n'
)
ON_DEMAND += 'beyond = "on_demand"\nprices = [{ interval = "month", amount = 1500, currency = "usd" }, '
ON_DEMAND += '{ interval = "year", amount = 15000, currency = "usd" }]\n'


@pytest.fixture
def team(stage):
    """Team, annual, five instances, nothing beyond."""
    stage.begin("team", "year", 5)
    return stage


@pytest.fixture
def elastic(stage):
    """The same with more on demand."""
    stage.sell(ON_DEMAND)
    stage.begin("team", "year", 5)
    return stage


def use(stage, instances: str) -> None:
    with stage.commit():
        adjust_on_demand(organization=stage.organization, used=D(instances), now=stage.now)
    stage.deliver()


def on_demand_quantity(stage) -> int | None:
    companion = stage.companion
    item = companion.item("quantity") if companion else None
    return item.quantity if item else None


def test_what_was_bought_is_what_is_included(team) -> None:
    instances = team.terms.meters["instances"]
    assert (instances.included, instances.commitment.bought, instances.commitment.on_demand) == (5, 5, False)
    assert [(item.component, item.quantity, item.amount) for item in team.base.items.all()] == [("quantity", 5, 15000)]


def test_the_next_bundle_goes_on_the_same_subscription_prorated(team) -> None:
    base = team.base
    team.travel(days=73)
    shown = quote_change(organization=team.organization, selection=team.select("team", "year", 10), now=team.now)
    assert (shown.is_at_once, shown.due_now.amount) == (True, 60000)
    with team.commit():
        change_plan(organization=team.organization, selection=shown.selection, quote=shown, now=team.now)
    team.deliver()
    assert (team.base.pk, team.base.quantity, len(team.live_at_stripe())) == (base.pk, 10, 1)
    assert team.invoices()[-1].total == 60000
    assert team.terms.meters["instances"].included == 10


def test_a_smaller_quantity_waits_for_the_renewal(team) -> None:
    with team.commit():
        change_plan(organization=team.organization, selection=team.select("team", "year", 10), now=team.now)
    team.deliver()
    with team.commit():
        less = change_plan(organization=team.organization, selection=team.select("team", "year", 5), now=team.now)
    team.deliver()
    assert (less.timing, team.terms.meters["instances"].included) == ("renewal", 10)
    team.travel(to=less.effective_at)
    team.deliver()
    assert (team.terms.meters["instances"].included, team.base.quantity) == (5, 5)


def test_under_block_nothing_is_on_demand(team) -> None:
    use(team, "6")
    assert (team.companion, OnDemand.objects.get().wanted) == (None, 0)


def test_the_sixth_on_demand_is_a_monthly_subscription_for_one(elastic) -> None:
    assert elastic.terms.meters["instances"].commitment.on_demand
    use(elastic, "6")
    companion = elastic.companion
    assert (companion.interval, on_demand_quantity(elastic)) == ("month", 1)
    assert [invoice.total for invoice in elastic.invoices()] == [75000, 1500]
    assert (elastic.base.quantity, elastic.terms.meters["instances"].included) == (5, 5)


def test_a_part_of_one_more_is_one_more(elastic) -> None:
    use(elastic, "5.000001")
    assert on_demand_quantity(elastic) == 1


def test_back_to_what_was_bought_it_ends_with_its_month(elastic) -> None:
    use(elastic, "6")
    use(elastic, "5")
    end = elastic.companion.current_period_end
    assert elastic.companion.cancel_at == end
    elastic.travel(to=end)
    elastic.deliver()
    assert elastic.companion is None
    assert [invoice.total for invoice in elastic.invoices()] == [75000, 1500]
    assert elastic.terms.plan == "team"


def test_up_at_once_down_at_the_renewal(elastic) -> None:
    use(elastic, "6")
    use(elastic, "8")
    assert on_demand_quantity(elastic) == 3
    charged = [invoice.total for invoice in elastic.invoices()]
    assert charged == [75000, 1500, 3000]
    use(elastic, "7")
    assert on_demand_quantity(elastic) == 2
    assert [invoice.total for invoice in elastic.invoices()] == charged, "nothing is given back within the month"
    elastic.travel(to=elastic.companion.current_period_end)
    elastic.deliver()
    assert [invoice.total for invoice in elastic.invoices()] == [*charged, 3000]


def test_up_again_within_a_month_that_was_paid_costs_nothing(elastic) -> None:
    use(elastic, "8")
    use(elastic, "6")
    use(elastic, "8")
    assert on_demand_quantity(elastic) == 3
    assert [invoice.total for invoice in elastic.invoices()] == [75000, 4500]
    use(elastic, "5")
    use(elastic, "7")
    assert (elastic.companion.cancel_at, on_demand_quantity(elastic)) == (None, 2)
    assert [invoice.total for invoice in elastic.invoices()] == [75000, 4500]


def test_up_again_in_a_new_month_is_paid_anew(elastic) -> None:
    use(elastic, "8")
    use(elastic, "6")
    elastic.travel(to=elastic.companion.current_period_end)
    elastic.deliver()
    assert [invoice.total for invoice in elastic.invoices()] == [75000, 4500, 1500]
    use(elastic, "8")
    assert [invoice.total for invoice in elastic.invoices()] == [75000, 4500, 1500, 3000]
    assert on_demand_quantity(elastic) == 3


def test_what_staff_lower_at_stripe_comes_back_without_being_paid_again(elastic) -> None:
    use(elastic, "8")
    companion = elastic.companion
    [item] = companion.items.all()
    elastic.sandbox.client.v1.subscriptions.update(
        companion.stripe_id, {"items": [{"id": item.stripe_id, "quantity": 1}], "proration_behavior": "none"}
    )
    elastic.deliver()
    assert on_demand_quantity(elastic) == 3
    assert [invoice.total for invoice in elastic.invoices()] == [75000, 4500]


def test_after_one_whose_answer_was_lost_has_ended_another_begins(elastic) -> None:
    """With the key of the first, Stripe would answer with the first, which has ended."""
    elastic.sandbox.fault("lost", path="/v1/subscriptions", method="POST")
    adjust_on_demand(organization=elastic.organization, used=D(6), now=elastic.now)
    with pytest.raises(Exception, match="not answering"):
        sync_companion(organization=elastic.organization, now=elastic.now)
    elastic.deliver()
    first = elastic.companion
    drop_on_demand(organization=elastic.organization, now=elastic.now)
    elastic.deliver()
    adjust_on_demand(organization=elastic.organization, used=D(6), now=elastic.now)
    assert sync_companion(organization=elastic.organization, now=elastic.now) not in (None, first)
    assert on_demand_quantity(elastic) == 1


def test_a_refusal_holds_at_once(elastic) -> None:
    elastic.use_card(FAILING)
    adjust_on_demand(organization=elastic.organization, used=D(6), now=elastic.now)
    assert elastic.terms.meters["instances"].commitment.on_demand
    assert sync_companion(organization=elastic.organization, now=elastic.now) is None
    assert not elastic.terms.meters["instances"].commitment.on_demand


def test_saying_the_same_again_changes_nothing(elastic) -> None:
    use(elastic, "6")
    for _ in range(2):
        with elastic.commit():
            sync_companion(organization=elastic.organization, now=elastic.now)
        use(elastic, "6")
    assert Subscription.objects.filter(role="companion").count() == 1
    assert [invoice.total for invoice in elastic.invoices()] == [75000, 1500]


def test_folding_in_leaves_ten_bought_and_no_monthly_one(elastic) -> None:
    use(elastic, "6")
    elastic.travel(days=73)
    elastic.deliver()
    shown = quote_fold_in(organization=elastic.organization, now=elastic.now)
    assert (shown.selection.quantity, shown.due_now.amount) == (10, 60000)
    with elastic.commit():
        fold_in(organization=elastic.organization, quote=shown, now=elastic.now)
    elastic.deliver()
    assert (elastic.base.quantity, elastic.companion) == (10, None)
    assert [view.id for view in elastic.live_at_stripe()] == [elastic.base.stripe_id]
    use(elastic, "6")
    assert elastic.companion is None


def test_with_nothing_on_demand_there_is_nothing_to_fold_in(elastic) -> None:
    with pytest.raises(NothingToFoldIn):
        quote_fold_in(organization=elastic.organization, now=elastic.now)


def test_the_monthly_one_unpaid_leaves_the_five(elastic) -> None:
    use(elastic, "6")
    elastic.use_card(FAILING)
    elastic.travel(to=elastic.companion.current_period_end)
    elastic.deliver()
    for days in (3, 5):
        elastic.travel(days=days)
        elastic.deliver()
    assert (elastic.companion.dunning_status, elastic.base.dunning_status) == ("downgraded", "good")
    instances = elastic.terms.meters["instances"]
    assert (elastic.terms.plan, instances.included, instances.commitment.on_demand) == ("team", 5, False)
    elastic.travel(days=6)
    run_dunning(now=elastic.now)
    elastic.organization.refresh_from_db()
    assert (elastic.organization.suspended_at, elastic.terms.plan) == (None, "team")


def test_a_card_that_does_not_pay_for_more_keeps_what_was_bought(elastic) -> None:
    elastic.use_card(FAILING)
    use(elastic, "6")
    assert (elastic.companion, elastic.terms.meters["instances"].commitment.on_demand) == (None, False)
    assert Event.objects.filter(type="on_demand.refused").count() == 1
    elastic.use_card(GOOD)
    elastic.travel(days=1)
    with elastic.commit():
        sync_companion(organization=elastic.organization, now=elastic.now)
    elastic.deliver()
    assert (on_demand_quantity(elastic), elastic.terms.meters["instances"].commitment.on_demand) == (1, True)


def test_the_companion_ends_with_the_plan(elastic) -> None:
    use(elastic, "6")
    elastic.sandbox.client.v1.subscriptions.cancel(elastic.base.stripe_id)
    elastic.deliver()
    assert elastic.live_at_stripe() == []
    assert elastic.terms.plan == "free"


def test_a_lost_answer_makes_no_second_companion(elastic) -> None:
    elastic.sandbox.fault("lost", path="/v1/subscriptions", method="POST")
    adjust_on_demand(organization=elastic.organization, used=D(6), now=elastic.now)
    with pytest.raises(Exception, match="not answering"):
        sync_companion(organization=elastic.organization, now=elastic.now)
    elastic.travel(hours=1)
    with elastic.commit():
        sync_companion(organization=elastic.organization, now=elastic.now)
    elastic.deliver()
    assert len(elastic.live_at_stripe()) == 2
    assert on_demand_quantity(elastic) == 1


def test_more_than_a_month_later_the_companion_still_follows(elastic) -> None:
    use(elastic, "6")
    elastic.travel(days=45)
    elastic.deliver()
    use(elastic, "7")
    assert on_demand_quantity(elastic) == 2
    assert elastic.companion.current_period_end - elastic.now < timedelta(days=31)
