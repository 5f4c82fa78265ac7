"""More at once and invoiced, less at the renewal, and everything that can be taken back."""

from datetime import timedelta

import pytest

from core.money import Money
from payments.catalogue_file import load
from payments.errors import CardDeclined, StripeUnavailable
from plans.engine.windows import add_months
from plans.errors import ChangeUnderWay, NoSubscription, NothingToChange, PaymentOverdue
from plans.models import DunningCase, Plan, PlanChange, TermsPeriod
from plans.services.cancellation import cancel_at_period_end, keep
from plans.services.plan_changes import cancel_change, carry_out, change_plan, resume_pending
from plans.services.quotes import quote_change
from plans.services.selections import Selection
from plans.services.terms_periods import sync_terms_periods
from tests.plans.conftest import LONG_AGO

pytestmark = pytest.mark.django_db


def change(stage, plan, interval="month", quantity=None, **others):
    with stage.commit():
        made = change_plan(
            organization=stage.organization, selection=stage.select(plan, interval, quantity), now=stage.now, **others
        )
    stage.deliver()
    return made


def test_an_upgrade_holds_at_once_and_costs_what_was_shown(stage) -> None:
    stage.begin("payg")
    stage.travel(days=10)
    stage.deliver()
    shown = quote_change(organization=stage.organization, selection=stage.select("pro"), now=stage.now)
    assert shown.is_at_once
    assert 0 < shown.due_now.amount < 2900
    made = change(stage, "pro", quote=shown)
    assert (made.status, made.timing) == ("applied", "now")
    assert stage.invoices()[-1].total == shown.due_now.amount
    assert stage.invoices()[-1].is_paid
    assert (stage.terms.plan, stage.base.plan.code) == ("pro", "pro")


def test_an_upgrade_inside_a_window_is_a_segment_and_keeps_the_window(stage) -> None:
    stage.begin("payg")
    before = stage.terms.window
    stage.travel(days=10)
    change(stage, "pro")
    assert stage.terms.window == before
    assert [(s.plan, s.meters["sessions"].included) for s in stage.terms.segments] == [("payg", 0), ("pro", 400)]


def test_a_downgrade_waits_for_the_renewal_and_then_holds_at_its_instant(stage) -> None:
    stage.begin("pro")
    renewal = stage.base.current_period_end
    stage.travel(days=10)
    shown = quote_change(organization=stage.organization, selection=stage.select("payg"), now=stage.now)
    assert (shown.timing, shown.effective_at, shown.due_now) == ("renewal", renewal, Money(0, "usd"))
    made = change(stage, "payg")
    assert (made.status, made.effective_at, stage.terms.plan) == ("scheduled", renewal, "pro")
    stage.travel(to=renewal - timedelta(seconds=1))
    assert stage.terms.plan == "pro"
    stage.travel(to=renewal)
    assert stage.terms.plan == "payg", "at its instant, whether or not anybody was told"
    assert stage.terms.window.start == renewal
    stage.deliver()
    made.refresh_from_db()
    assert (made.status, stage.base.plan.code, stage.terms.plan) == ("applied", "payg", "payg")
    assert [invoice.total for invoice in stage.invoices()] == [2900, 0]


def test_at_the_instant_of_a_planned_change_its_terms_hold_before_stripe_says_so(stage) -> None:
    stage.begin("pro")
    made = change(stage, "payg")
    stage.travel(to=made.effective_at)
    planned = list(TermsPeriod.objects.order_by("pk").values())
    sync_terms_periods(organization=stage.organization, now=stage.now)
    assert (stage.terms.plan, stage.base.plan.code) == ("payg", "pro")
    assert list(TermsPeriod.objects.order_by("pk").values()) == planned


def test_after_a_planned_change_has_come_another_one_can_be_made(stage) -> None:
    stage.begin("pro")
    change(stage, "payg")
    stage.travel(to=stage.base.current_period_end + timedelta(hours=1))
    stage.deliver()
    assert stage.at_stripe(stage.base).schedule is None
    assert change(stage, "pro").status == "applied"


def test_a_planned_change_can_be_taken_back(stage) -> None:
    stage.begin("pro")
    made = change(stage, "payg")
    with stage.commit():
        assert cancel_change(change=made, now=stage.now).status == "cancelled"
        assert cancel_change(change=made, now=stage.now).status == "cancelled"
    assert PlanChange.objects.get().failure == ""  # not by somebody else, at Stripe
    assert stage.base.stripe_schedule_id == ""
    stage.deliver()
    stage.travel(days=40)
    stage.deliver()
    assert (stage.terms.plan, stage.base.plan.code) == ("pro", "pro")
    assert [invoice.total for invoice in stage.invoices()] == [2900, 2900]
    assert TermsPeriod.objects.count() == 1


def test_a_change_while_another_is_planned_is_refused(stage) -> None:
    stage.begin("pro")
    planned = change(stage, "payg")
    with pytest.raises(ChangeUnderWay, match="already planned"):
        change(stage, "team", "month", 5)
    assert PlanChange.objects.get() == planned
    assert stage.terms.plan == "pro"


def test_while_a_change_is_planned_the_plan_is_not_cancelled(stage) -> None:
    stage.begin("pro")
    change(stage, "payg")
    with pytest.raises(ChangeUnderWay, match=r"A change to Pay as you go is planned\. Take it back first"):
        cancel_at_period_end(organization=stage.organization, now=stage.now)
    assert stage.base.cancel_at is None
    assert PlanChange.objects.get().status == PlanChange.Status.SCHEDULED


def test_what_one_has_already_is_no_change(stage) -> None:
    stage.begin("pro")
    with pytest.raises(NothingToChange):
        change(stage, "pro")
    assert not PlanChange.objects.exists()


def test_while_an_invoice_is_overdue_nothing_is_changed(stage) -> None:
    stage.begin("payg")
    case = DunningCase.objects.create(
        organization=stage.organization,
        subscription=stage.base,
        stripe_invoice_id="in_overdue",
        amount_due=700,
        currency="usd",
        attempts=1,
        first_failed_at=stage.now,
    )
    with pytest.raises(PaymentOverdue) as refused:
        change(stage, "pro")
    assert refused.value.message == "An invoice is overdue. Pay it first, then change the plan."
    assert not PlanChange.objects.exists()
    assert (stage.terms.plan, len(stage.invoices())) == ("payg", 1)
    DunningCase.objects.filter(pk=case.pk).update(state="paid", resolved_at=stage.now)
    assert change(stage, "pro").status == "applied"


def test_without_a_plan_there_is_nothing_to_change(stage) -> None:
    with pytest.raises(NoSubscription, match="pricing page"):
        change(stage, "pro")


def test_a_declined_card_changes_nothing(stage) -> None:
    stage.begin("payg")
    stage.use_card("pm_card_chargeCustomerFail")
    with pytest.raises(CardDeclined):
        change(stage, "pro")
    failed = PlanChange.objects.get()
    assert (failed.status, bool(failed.failure)) == ("failed", True)
    assert (stage.terms.plan, len(stage.terms.segments)) == ("payg", 1)
    assert len(stage.invoices()) == 1
    stage.use_card("pm_card_visa")
    assert change(stage, "pro").status == "applied"


@pytest.mark.parametrize("answer", ["lost", "down"])
def test_a_lost_answer_is_asked_for_again_and_charged_once(stage, answer) -> None:
    stage.begin("payg")
    base = stage.base
    stage.sandbox.fault(answer, path=f"/v1/subscriptions/{base.stripe_id}", method="POST")
    with pytest.raises(StripeUnavailable):
        change(stage, "pro")
    pending = PlanChange.objects.get()
    assert pending.status == "pending"
    two_minutes = pending.created_at + timedelta(minutes=2)
    assert resume_pending(now=two_minutes - timedelta(microseconds=1)) == []
    stage.travel(to=two_minutes)
    with stage.commit():
        resumed = resume_pending(now=stage.now)
    assert [change.pk for change in resumed] == [pending.pk]
    stage.deliver()
    assert stage.terms.plan == "pro"
    assert len([invoice for invoice in stage.invoices() if invoice.total]) == 1


def test_carrying_a_change_out_twice_charges_once(stage) -> None:
    stage.begin("payg")
    made = change(stage, "pro")
    carry_out(change=made, now=stage.now)
    stage.deliver()
    assert len([invoice for invoice in stage.invoices() if invoice.total]) == 1
    assert TermsPeriod.objects.count() == 1


def test_cancelling_keeps_what_was_paid_for_and_then_ends_in_free(stage) -> None:
    stage.begin("pro")
    end = stage.base.current_period_end
    with stage.commit():
        cancel_at_period_end(organization=stage.organization, now=stage.now)
    stage.deliver()
    assert (stage.base.cancel_at, stage.terms.plan, stage.terms.window.end) == (end, "pro", end)
    stage.travel(to=end)
    assert stage.terms.plan == "free"
    stage.deliver()
    assert not stage.live_at_stripe()
    assert (stage.terms.plan, stage.terms.window.start) == ("free", end)


def test_at_the_instant_of_its_end_a_cancelled_plan_is_over_before_stripe_says_so(stage) -> None:
    stage.begin("pro")
    with stage.commit():
        cancel_at_period_end(organization=stage.organization, now=stage.now)
    stage.deliver()
    stage.travel(to=stage.base.cancel_at)
    assert sync_terms_periods(organization=stage.organization, now=stage.now) is None
    assert stage.terms.plan == "free"


def test_a_change_of_mind_keeps_the_plan_and_so_does_the_next(stage) -> None:
    stage.begin("pro")
    for _ in range(2):
        with stage.commit():
            cancel_at_period_end(organization=stage.organization, now=stage.now)
        stage.deliver()
        assert stage.base.cancel_at is not None
        with stage.commit():
            keep(organization=stage.organization, now=stage.now)
        stage.deliver()
        assert stage.base.cancel_at is None
    stage.travel(days=40)
    stage.deliver()
    assert stage.terms.plan == "pro"
    assert TermsPeriod.objects.count() == 1


def test_free_to_paid_to_free_has_three_windows(stage) -> None:
    free = stage.terms.window
    stage.travel(days=5)
    stage.subscribe("pro")
    bought = stage.now
    with stage.commit():
        cancel_at_period_end(organization=stage.organization, now=stage.now)
    stage.deliver()
    stage.travel(to=add_months(bought, 1) + timedelta(days=1))
    stage.deliver()
    paid_end = add_months(bought, 1)
    assert stage.terms.window.start == paid_end
    assert (stage.terms.window.end.day, stage.terms.plan) == (1, "free")
    assert free.start < bought < paid_end < stage.terms.window.end


def test_monthly_to_annual_shows_the_amount_and_leaves_one_plan(stage) -> None:
    stage.begin("pro")
    window = stage.terms.window
    stage.travel(days=10)
    shown = quote_change(organization=stage.organization, selection=stage.select("pro", "year"), now=stage.now)
    assert 29000 - 2900 < shown.due_now.amount < 29000
    change(stage, "pro", "year", quote=shown)
    charged = [invoice.total for invoice in stage.invoices() if invoice.subscription == stage.base.stripe_id]
    assert charged == [2900, shown.due_now.amount]
    assert (stage.base.interval, stage.terms.interval) == ("year", "year")
    assert stage.terms.window == window, "the months of usage go on as they were"
    assert [item.component for item in stage.base.items.all()] == ["base"]
    assert [item.component for item in stage.companion.items.all()] == ["metered"]


def test_annual_to_monthly_waits_for_the_renewal(stage) -> None:
    stage.begin("pro", "year")
    renewal = stage.base.current_period_end
    made = change(stage, "pro", "month")
    assert (made.timing, made.effective_at, stage.base.interval) == ("renewal", renewal, "year")
    stage.travel(to=renewal + timedelta(hours=1))
    stage.deliver()
    assert (stage.base.interval, stage.terms.interval) == ("month", "month")
    assert stage.companion is None
    assert [item.component for item in stage.base.items.all()] == ["base", "metered"]


BY_THE_YEAR = """
[[plans]]
code = "solid"
name = "Solid"
prices = [{ interval = "year", amount = 34800, currency = "usd" }]
[[plans]]
code = "steady"
name = "Steady"
prices = [
    { interval = "month", amount = 2900, currency = "usd" },
    { interval = "year", amount = 29000, currency = "usd" },
]
"""


def test_what_is_more_is_told_by_the_year(catalogue) -> None:
    """By twelve monthly prices where there is one, so that paying by the year is never less; else by the annual one."""
    load(text=BY_THE_YEAR, now=LONG_AGO)
    solid, steady = (Plan.objects.for_pricing().get(code=code) for code in ("solid", "steady"))
    assert Selection(solid, "year", None).yearly_weight == 34800
    assert [Selection(steady, interval, None).yearly_weight for interval in ("month", "year")] == [34800, 34800]
    team = Plan.objects.for_pricing().get(code="team")
    each = team.price("month", "quantity").amount
    base = team.price("month")
    weight = Selection(team, "month", 10).yearly_weight
    assert weight == 12 * (10 * each + (base.amount if base else 0))
