"""A trial costs nothing, is announced before it ends, and then becomes the plan."""

import pytest
from django.urls import reverse

from notifications.models import Event, SentEmail
from plans.models import PlanCheckout
from plans.services.cancellation import cancel_at_period_end
from plans.services.trials import remind

pytestmark = pytest.mark.django_db


@pytest.fixture
def on_trial(stage, load_catalogue):
    def make() -> None:
        load_catalogue('[[plans]]\ncode = "pro"\ntrial_days = 14\n', now=stage.now)
        stage.subscribe("pro")

    stage.begin_with("pro on trial", make=make)
    return stage


def reminders(stage) -> list[int]:
    found = Event.objects.filter(type="trial.ending", organization=stage.organization).order_by("id")
    return [event.data["days"] for event in found]


def test_a_trial_gives_the_plan_and_charges_nothing(on_trial) -> None:
    assert (on_trial.base.status, on_trial.terms.plan) == ("trialing", "pro")
    assert [invoice.total for invoice in on_trial.invoices()] == [0]
    assert on_trial.terms.window.end == on_trial.base.trial_end


def test_it_is_announced_three_days_and_one_day_before_each_once(on_trial) -> None:
    for _ in range(14 * 4):
        remind(now=on_trial.now)
        on_trial.travel(hours=6)
        on_trial.deliver()
    assert reminders(on_trial) == [3, 1]


def test_the_reminder_names_the_price(on_trial) -> None:
    on_trial.travel(days=12)
    with on_trial.commit():
        remind(now=on_trial.now)
    texts = SentEmail.objects.filter(event__type="trial.ending").values_list("text", flat=True)
    words = "costs $29.00 a month, plus any usage that your plan bills, charged to your saved card."
    assert texts and all(words in text for text in texts)


def test_after_it_the_plan_is_paid_for_in_windows_of_its_own(on_trial) -> None:
    trial_end = on_trial.base.trial_end
    on_trial.travel(to=trial_end)
    on_trial.deliver()
    assert (on_trial.base.status, on_trial.terms.plan) == ("active", "pro")
    assert [invoice.total for invoice in on_trial.invoices()] == [0, 2900]
    assert on_trial.terms.window.start == trial_end


def test_one_that_was_cancelled_is_not_announced_and_costs_nothing(on_trial) -> None:
    with on_trial.commit():
        cancel_at_period_end(organization=on_trial.organization, now=on_trial.now)
    on_trial.deliver()
    on_trial.travel(days=12)
    remind(now=on_trial.now)
    on_trial.travel(days=3)
    on_trial.deliver()
    assert reminders(on_trial) == []
    assert on_trial.terms.plan == "free"
    assert [invoice.total for invoice in on_trial.invoices()] == [0]


def test_pages_say_until_when_it_is_free_and_what_follows(on_trial, signed_in, alice, acme) -> None:
    checkout = PlanCheckout.objects.get(organization=acme)
    ends = f"{on_trial.base.trial_end:%-d %B %Y}"
    browser = signed_in(alice)
    overview = browser.get(reverse("overview", args=[acme.public_id])).content.decode()
    assert f"Pro, monthly: free until {ends}, then $29.00 a month" in overview
    welcome = browser.get(reverse("plans:welcome", args=[acme.public_id, checkout.public_id])).content.decode()
    assert "You are trying Pro" in welcome
    assert f"Free until {ends}, then $29.00 a month." in welcome
