"""Whole lives of subscriptions, walked day by day, and every event three times in any order."""

from datetime import UTC, datetime, timedelta

import pytest

from notifications.models import Event
from payments import reconciliation
from plans.engine.windows import add_months
from plans.models import Plan, PlanChange, Subscription, TermsPeriod
from plans.services.cancellation import cancel_at_period_end
from plans.services.plan_changes import change_plan
from tests.plans.conftest import CATALOGUE
from tests.plans.stage import Stage

pytestmark = pytest.mark.django_db


@pytest.fixture
def staged_at(sandbox, load_catalogue, acme, django_capture_on_commit_callbacks, nobody_above):
    """`staged_at(moment)`: a stage whose clocks stand there."""
    stages: list[Stage] = []

    def begin(moment: datetime) -> Stage:
        stage = Stage(sandbox, acme, django_capture_on_commit_callbacks, at=moment).__enter__()
        stages.append(stage)
        load_catalogue(CATALOGUE)
        stage.sync_catalogue()
        return stage

    yield begin
    for stage in stages:
        stage.__exit__(None, None, None)


def upgrade(stage: Stage, plan: str, interval: str = "month") -> None:
    with stage.commit():
        change_plan(organization=stage.organization, selection=stage.select(plan, interval), now=stage.now)


@pytest.mark.volume
def test_renewals_and_windows_agree_for_four_years(staged_at) -> None:
    """Stripe renews and our window turns at the same instant, each month, however short the months between are."""
    start = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)
    stage = staged_at(start)
    stage.subscribe("pro")
    for month in range(1, 49):
        stage.travel(to=add_months(start, month) - timedelta(seconds=1))
        assert stage.terms.window.end == add_months(start, month)
        stage.travel(to=add_months(start, month))
        stage.deliver()
        assert stage.terms.window.start == stage.base.current_period_start == add_months(start, month)
    assert [invoice.total for invoice in stage.invoices()] == [2900] * 49


@pytest.mark.volume
def test_a_year_by_the_day_has_one_invoice_a_month_and_no_email_too_many(staged_at) -> None:
    stage = staged_at(datetime(2026, 1, 31, 12, 0, tzinfo=UTC))
    stage.subscribe("pro")
    windows = set()
    for _ in range(365):
        stage.travel(days=1)
        stage.deliver()
        windows.add(stage.terms.window)
    assert [invoice.total for invoice in stage.invoices()] == [2900] * 13
    assert len(windows) == 13
    assert {terms.plan.code for terms in TermsPeriod.objects.select_related("plan")} == {"pro"}
    emailed = Event.objects.filter(type__in=["payment.reminder", "plan.downgraded", "organization.suspended"])
    assert not emailed.exists()


@pytest.mark.volume
def test_an_annual_plan_renews_yearly_and_its_windows_turn_monthly(staged_at) -> None:
    start = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)
    stage = staged_at(start)
    stage.subscribe("team", "year", 5)
    for month in range(1, 25):
        stage.travel(to=add_months(start, month))
        stage.deliver()
        assert stage.terms.window.start == add_months(start, month)
    assert [invoice.total for invoice in stage.invoices()] == [75000] * 3


def life(stage: Stage) -> dict[str, object]:
    """Subscribe, upgrade, plan a downgrade, live through it, fail, recover, cancel, end; what is left in the end."""
    stage.subscribe("payg")
    stage.travel(days=10)
    upgrade(stage, "pro")
    stage.deliver()
    upgrade(stage, "payg")
    stage.deliver()
    stage.travel(days=25)
    stage.deliver()
    upgrade(stage, "pro")
    stage.use_card("pm_card_chargeCustomerFail")
    stage.deliver()
    stage.travel(days=32)
    stage.deliver()
    stage.use_card("pm_card_visa")
    for invoice in stage.sandbox.client.v1.invoices.list({"customer": stage.customer, "status": "open"}).data:
        stage.sandbox.client.v1.invoices.pay(invoice.id)
    stage.deliver()
    with stage.commit():
        cancel_at_period_end(organization=stage.organization, now=stage.now)
    stage.deliver()
    stage.travel(days=40)
    stage.deliver()
    return {
        "plan": stage.terms.plan,
        "statuses": sorted(Subscription.objects.values_list("role", "status", "dunning_status")),
        "changes": list(PlanChange.objects.order_by("id").values_list("status", "timing")),
        "periods": list(TermsPeriod.objects.order_by("starts_at").values_list("plan__code", "starts_at", "ends_at")),
        "told": sorted(
            Event.objects.exclude(type="subscription.updated").values_list("type", flat=True).order_by("type")
        ),
        "invoices": [(invoice.total, invoice.status) for invoice in stage.invoices()],
    }


@pytest.mark.parametrize(
    "delivery", [{}, {"repeat": 3, "shuffle": True, "seed": 1}, {"repeat": 3, "shuffle": True, "seed": 2}]
)
def test_every_event_of_a_life_three_times_in_any_order_leads_to_the_same(staged_at, delivery) -> None:
    stage = staged_at(datetime(2026, 3, 10, 9, 0, tzinfo=UTC))
    if delivery:
        stage.sandbox.set_delivery(**delivery)
    left = life(stage)
    assert left["plan"] == "free"
    assert left["statuses"] == [("base", "canceled", "good")]
    assert left["changes"] == [("applied", "now"), ("applied", "renewal"), ("applied", "now")]
    assert [(code, start.day) for code, start, _ in left["periods"]] == [
        ("payg", 10),
        ("pro", 20),
        ("payg", 10),
        ("pro", 14),
    ]
    assert left["told"] == ["payment.failed", "payment.failed", "payment.reminder"]
    if delivery:
        stage.sandbox.redeliver()
        before = list(TermsPeriod.objects.order_by("id").values())
        stage.deliver()
        assert list(TermsPeriod.objects.order_by("id").values()) == before


def test_webhooks_that_never_came_are_made_up_for_by_reconciliation(staged_at) -> None:
    stage = staged_at(datetime(2026, 3, 10, 9, 0, tzinfo=UTC))
    stage.sandbox.set_delivery(drop=1.0, seed=1)
    checkout = stage.check_out("pro")
    stage.sandbox.pay(checkout.stripe_session_id)
    stage.deliver()
    assert stage.terms.plan == "free"
    with stage.commit():
        report = reconciliation.reconcile(since=stage.now - timedelta(hours=72), now=stage.now)
    assert report.failed == []
    assert (stage.terms.plan, Subscription.objects.count()) == ("pro", 1)
    assert stage.base.plan == Plan.objects.get(code="pro")
    with stage.commit():
        assert reconciliation.reconcile(since=stage.now - timedelta(hours=72), now=stage.now).failed == []
    assert TermsPeriod.objects.count() == 1
