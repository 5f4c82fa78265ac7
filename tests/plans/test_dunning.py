"""Renewals that fail: four steps, each once, and paying undoes them at any point."""

from datetime import timedelta

import pytest
from django.core import mail
from django.core.management import call_command

from notifications.models import Event
from plans.models import DunningCase, DunningStep, Subscription
from plans.services.dunning import run_dunning

pytestmark = pytest.mark.django_db

FAILING, GOOD = "pm_card_chargeCustomerFail", "pm_card_visa"


def told(stage) -> list[str]:
    """What was published of payment and suspension, in order."""
    wanted = ("payment.", "plan.", "organization.")
    types = Event.objects.filter(organization=stage.organization).order_by("id").values_list("type", flat=True)
    return [type for type in types if type.startswith(wanted)]


def fail_renewal(stage, *, attempts: int = 1) -> DunningCase:
    """Let the renewal fail, and Stripe's retries with it, on the days that the sandbox retries (3, 5 and 7 apart)."""
    stage.use_card(FAILING)
    stage.travel(to=stage.base.current_period_end)
    stage.deliver()
    for days in (3, 5, 7)[: attempts - 1]:
        stage.travel(days=days)
        stage.deliver()
    return DunningCase.objects.get(subscription=Subscription.objects.get(role="base"))


def pay(stage) -> None:
    stage.use_card(GOOD)
    for invoice in stage.sandbox.client.v1.invoices.list({"customer": stage.customer, "status": "open"}).data:
        stage.sandbox.client.v1.invoices.pay(invoice.id)
    stage.deliver()


@pytest.fixture
def on_pro(stage):
    stage.begin("pro")
    mail.outbox.clear()
    return stage


def test_the_first_failure_only_waits_for_stripes_retry(on_pro) -> None:
    case = fail_renewal(on_pro)
    assert [step.kind for step in case.steps.all()] == ["retry"]
    assert (on_pro.terms.plan, on_pro.base.status, told(on_pro)) == ("pro", "past_due", ["payment.failed"])
    assert "Stripe tries again on 18 Jul 2026, 12:00 UTC" in case.next_step
    assert mail.outbox == []


def test_the_second_writes_to_the_customer(on_pro) -> None:
    fail_renewal(on_pro, attempts=2)
    assert told(on_pro) == ["payment.failed", "payment.failed", "payment.reminder"]
    assert on_pro.terms.plan == "pro"
    reminder = Event.objects.get(type="payment.reminder")
    assert (reminder.data["amount"], reminder.data["attempts"]) == ("$29.00", 2)


def test_the_third_sets_back_to_free(on_pro) -> None:
    case = fail_renewal(on_pro, attempts=3)
    assert [step.kind for step in case.steps.all()] == ["retry", "email", "downgrade"]
    assert (on_pro.terms.plan, on_pro.base.dunning_status) == ("free", "downgraded")
    assert told(on_pro)[-1] == "plan.downgraded"
    on_pro.organization.refresh_from_db()
    assert on_pro.organization.suspended_at is None


def test_fourteen_days_after_the_first_the_organization_is_suspended(on_pro, capsys) -> None:
    case = fail_renewal(on_pro, attempts=3)
    on_pro.travel(to=case.first_failed_at + timedelta(days=14) - timedelta(seconds=1))
    assert run_dunning(now=on_pro.now) == []
    call_command("run_dunning", at=case.first_failed_at + timedelta(days=14))
    assert "Suspended Pro (monthly) of Acme" in capsys.readouterr().out
    on_pro.organization.refresh_from_db()
    assert on_pro.organization.suspended_at == case.first_failed_at + timedelta(days=14)
    assert told(on_pro)[-1] == "organization.suspended"
    assert run_dunning(now=on_pro.now + timedelta(days=1)) == []
    assert on_pro.live_at_stripe() == [] and on_pro.base.status == "past_due", "we never cancel at Stripe"


@pytest.mark.parametrize("attempts", [1, 2, 3, 4])
def test_paying_restores_at_any_point(on_pro, attempts) -> None:
    window = on_pro.terms.window
    case = fail_renewal(on_pro, attempts=min(attempts, 3))
    if attempts == 4:
        on_pro.travel(to=case.first_failed_at + timedelta(days=14))
        run_dunning(now=on_pro.now)
    pay(on_pro)
    case.refresh_from_db()
    on_pro.organization.refresh_from_db()
    assert (case.state, on_pro.base.dunning_status, on_pro.base.status) == ("paid", "good", "active")
    assert (on_pro.terms.plan, on_pro.organization.suspended_at) == ("pro", None)
    assert on_pro.terms.window.start == window.end, "back in the window it was in, not in a new one"
    assert ("plan.restored" in told(on_pro)) == (attempts >= 3)
    assert ("organization.restored" in told(on_pro)) == (attempts == 4)
    on_pro.deliver()
    assert Event.objects.filter(type="organization.restored").count() == (attempts == 4)


def test_an_invoice_that_is_voided_is_not_owed(on_pro) -> None:
    case = fail_renewal(on_pro, attempts=3)
    on_pro.sandbox.client.v1.invoices.void_invoice(case.stripe_invoice_id)
    on_pro.deliver()
    case.refresh_from_db()
    assert (case.state, on_pro.terms.plan) == ("closed", "pro")


def test_every_event_three_times_in_any_order_takes_each_step_once(on_pro) -> None:
    on_pro.sandbox.set_delivery(repeat=3, shuffle=True, seed=7)
    fail_renewal(on_pro, attempts=3)
    on_pro.sandbox.redeliver()
    on_pro.deliver()
    assert DunningStep.objects.count() == 3
    assert sorted(told(on_pro)) == ["payment.failed"] * 3 + ["payment.reminder", "plan.downgraded"]
    assert on_pro.terms.plan == "free"


def test_events_that_come_only_at_the_end_take_every_step(on_pro) -> None:
    on_pro.use_card(FAILING)
    on_pro.travel(days=60)
    on_pro.deliver()
    case = DunningCase.objects.order_by("first_failed_at").first()
    assert [step.kind for step in case.steps.all()][:3] == ["retry", "email", "downgrade"]
    assert on_pro.terms.plan == "free"


def test_an_unpaid_companion_leaves_the_plan(stage) -> None:
    stage.begin("pro", "year")
    companion = stage.companion
    case = DunningCase.objects.create(
        organization=stage.organization,
        subscription=companion,
        stripe_invoice_id="in_companion",
        amount_due=700,
        currency="usd",
        attempts=3,
        first_failed_at=stage.now,
    )
    stage.travel(days=14)
    assert run_dunning(now=stage.now) == [case]
    stage.organization.refresh_from_db()
    assert stage.organization.suspended_at is None
    assert (stage.terms.plan, stage.companion.dunning_status) == ("pro", "suspended")
    assert stage.terms.meters["sessions"].beyond == "block"


def test_a_second_unpaid_invoice_leaves_a_suspension_as_it_is(on_pro) -> None:
    first = fail_renewal(on_pro, attempts=3)
    on_pro.travel(to=first.first_failed_at + timedelta(days=14))
    run_dunning(now=on_pro.now)
    second = first.first_failed_at + timedelta(days=31)
    for days in (0, 3, 8):
        on_pro.travel(to=second + timedelta(days=days))
        on_pro.deliver()
    assert DunningCase.objects.open().count() == 2
    assert DunningStep.objects.filter(kind="downgrade").count() == 2
    assert on_pro.base.dunning_status == "suspended"
    pay(on_pro)
    on_pro.organization.refresh_from_db()
    assert (on_pro.base.dunning_status, on_pro.organization.suspended_at) == ("good", None)


def test_paying_one_of_two_overdue_invoices_restores_nothing_yet(on_pro) -> None:
    first = fail_renewal(on_pro, attempts=3)
    on_pro.travel(to=first.first_failed_at + timedelta(days=14))
    run_dunning(now=on_pro.now)
    on_pro.travel(to=first.first_failed_at + timedelta(days=31))
    on_pro.deliver()
    second = DunningCase.objects.exclude(pk=first.pk).get()
    before = told(on_pro)

    on_pro.use_card(GOOD)
    on_pro.sandbox.client.v1.invoices.pay(first.stripe_invoice_id)
    on_pro.deliver()
    first.refresh_from_db()
    second.refresh_from_db()
    on_pro.organization.refresh_from_db()
    assert (first.state, first.amount_due, second.state) == ("paid", 0, "open")
    assert on_pro.base.dunning_status == "suspended"
    assert on_pro.organization.suspended_at is not None
    assert told(on_pro) == before

    on_pro.sandbox.client.v1.invoices.pay(second.stripe_invoice_id)
    on_pro.deliver()
    on_pro.organization.refresh_from_db()
    assert (on_pro.base.dunning_status, on_pro.terms.plan, on_pro.organization.suspended_at) == ("good", "pro", None)
    assert told(on_pro)[len(before) :] == ["plan.restored", "organization.restored"]
