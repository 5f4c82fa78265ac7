"""Scenarios 14 and 15: what was used is on Stripe's meter, and on the invoice at the end of the month."""

import pytest

pytestmark = pytest.mark.django_db


def renewal(stage):
    """What the invoice at the end of the month comes to, in cents."""
    stage.travel(to=stage.terms.window.end)
    stage.deliver()
    stage.travel(hours=2)  # Stripe closes the draft after an hour
    stage.deliver()
    return stage.invoices()[-1].total


def test_ten_good_sessions_cost_a_dollar_and_the_others_nothing(stage, backend):
    stage.begin("payg")
    window = stage.terms.window
    backend.report("sessions", 10, duration_ms=6000)
    backend.report("sessions", 3, duration_ms=6000, status="failed")
    backend.report("sessions", 2, duration_ms=4999)
    with stage.commit():
        backend.tally()
    stripe = stage.sandbox.client.v1.billing.meters
    span = {"start_time": int(window.start.timestamp()), "end_time": int(window.end.timestamp())}
    counted = stripe.event_summaries.list(stripe.list().data[0].id, {"customer": stage.customer, **span})
    assert counted.data[0].aggregated_value == 10
    assert renewal(stage) == 100


def test_fifty_beyond_four_hundred_cost_three_fifty(stage, backend):
    stage.begin("pro")
    backend.report("sessions", 450, duration_ms=6000)
    with stage.commit():
        backend.tally()
    assert renewal(stage) == 2900 + 350


def test_what_was_reported_just_before_the_month_ended_is_on_its_invoice(stage, backend):
    """Nothing has to be tallied in time: a window whose invoice is still a draft is settled then."""
    stage.sandbox.settings(finalize_at_once=False)
    stage.subscribe("pro")
    backend.report("sessions", 410, duration_ms=6000)
    assert renewal(stage) == 2900 + 70
