"""What lost webhooks left out is found and repaired, and nothing is done twice."""

from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from payments import reconciliation
from payments.models import StripeEvent


@pytest.fixture(autouse=True)
def only_ours(monkeypatch, db):
    """Compare nothing but what the test registers; the apps' own comparisons have tests of their own."""
    monkeypatch.setattr(reconciliation, "_reconcilers", {})


def reconcile(**since):
    now = timezone.now()
    return reconciliation.reconcile(since=now - timedelta(**since or {"hours": 72}), now=now)


def test_dropped_events_are_fetched_and_acted_on_once(sandbox, listen, make_customer):
    heard = listen("customer.created")
    sandbox.set_delivery(drop=1.0)
    dropped = [make_customer(f"Customer {number}") for number in range(5)]
    sandbox.deliver()
    assert heard == []

    assert len(reconcile().repaired) == 5
    assert [data["id"] for _, data in heard] == dropped
    assert reconcile().repaired == []
    assert len(heard) == 5


def test_thirty_percent_lost_heals_all_and_doubles_none(sandbox, listen, make_customer):
    heard = listen("customer.created")
    sandbox.set_delivery(drop=0.3, repeat=2, shuffle=True, seed=7)
    made = {make_customer(f"Customer {number}") for number in range(40)}
    sandbox.deliver()
    assert 0 < len(heard) < 40

    reconcile()

    assert sorted(data["id"] for _, data in heard) == sorted(made)


def test_what_lies_further_back_is_left_alone(sandbox, listen, make_customer):
    listen("customer.created")
    sandbox.set_delivery(drop=1.0)
    make_customer()
    sandbox.deliver()
    now = timezone.now() + timedelta(hours=73)
    report = reconciliation.reconcile(since=now - reconciliation.REACH, now=now)
    assert report.repaired == []
    assert StripeEvent.objects.count() == 0


def test_events_that_nobody_wants_are_not_fetched(sandbox):
    sandbox.client.v1.coupons.create({"percent_off": 10, "duration": "once"})
    assert sandbox.event_types() == ["coupon.created"]
    assert reconcile().repaired == []
    assert StripeEvent.objects.count() == 0


def test_an_event_that_fails_while_being_repaired_stays_for_the_sweep(sandbox, listen, make_customer):
    listen("customer.created", failing=1)
    sandbox.set_delivery(drop=1.0)
    make_customer()
    sandbox.deliver()
    reconcile()
    assert StripeEvent.objects.get().status == StripeEvent.Status.FAILED


def test_each_app_repairs_its_own_and_ones_trouble_stops_no_other(sandbox, capsys):
    def good(*, since, now):
        return ["purchase pur_1 was paid and is fulfilled now"]

    def bad(*, since, now):
        raise RuntimeError("cannot compare")

    reconciliation.register_reconciler("broken", bad)
    reconciliation.register_reconciler("purchases", good)
    report = reconcile()
    assert report.repaired == ["purchases: purchase pur_1 was paid and is fulfilled now"]
    assert report.failed == ["broken: cannot compare"]

    with pytest.raises(CommandError, match="1 comparison"):
        call_command("reconcile_stripe", "--since", "24h")
    printed = capsys.readouterr().out
    assert "events: nothing to repair" in printed
    assert "purchases: purchase pur_1 was paid and is fulfilled now" in printed
    assert "broken: failed: cannot compare" in printed


def test_a_comparison_is_told_how_far_to_look_back(sandbox):
    asked = []
    reconciliation.register_reconciler("purchases", lambda *, since, now: asked.append(now - since) or [])
    call_command("reconcile_stripe")
    call_command("reconcile_stripe", "--since", "30d")
    assert asked == [timedelta(hours=72), timedelta(days=30)]


@pytest.mark.parametrize("text", ["", "72", "0h", "-5h", "5w", "h"])
def test_an_odd_duration_is_refused(sandbox, text):
    with pytest.raises(CommandError, match="is not a duration"):
        call_command("reconcile_stripe", f"--since={text}")


def test_while_stripe_is_down_the_command_fails_clearly(sandbox):
    sandbox.fault("down", times=99)
    with pytest.raises(CommandError, match="not answering"):
        call_command("reconcile_stripe")
