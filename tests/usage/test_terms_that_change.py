"""Usage is counted and priced by the terms of its own time."""

from datetime import UTC, datetime, timedelta

from plans import hooks
from plans.engine.price_ladders import parse
from plans.models import LadderOverride, Meter
from usage.models import UsageEvent
from usage.services.segments import apply_new_terms


def own_price(usage, price, since):
    LadderOverride.objects.create(
        organization=usage.organization,
        meter=Meter.objects.get(code="calls"),
        unit_id="usd",
        ladder=parse([{"price": price}]),
        starts_at=since,
    )
    hooks.terms_changed(organization=usage.organization, since=since, now=since)


def test_overage_of_an_earlier_segment_keeps_its_price(usage):
    usage.grant("usd", 100)
    usage.report("calls", quantity=1000)  # at 0.003
    later = usage.now + timedelta(days=1)
    own_price(usage, "0.01", later)
    usage.report("calls", quantity=1000, at=later + timedelta(hours=1), now=later + timedelta(hours=1))
    usage.tally(now=later + timedelta(hours=2))
    assert usage.available("usd", now=later + timedelta(hours=2)) == 100 - 3 - 10
    assert usage.paid("calls") == (2000, 2000, 0, 0)


def test_the_larger_allowance_holds_never_the_sum(usage):
    """Ten included on free; then Pro with four hundred, in a window of its own."""
    usage.report("sessions", 8)
    since = usage.now + timedelta(hours=1)
    usage.subscribe("pro", since=since)
    apply_new_terms(organization=usage.organization, since=since, now=since)
    assert usage.used("sessions", now=since) == 0
    assert usage.ask("sessions", now=since).snapshot.meter_terms.included == 400
    usage.tally(now=since)
    assert usage.paid("sessions") == (0, 0, 0, 0)


def test_events_that_ran_ahead_of_a_change_move_to_its_window(usage):
    ahead = usage.now + timedelta(minutes=4)
    usage.report("sessions", 3, at=ahead)
    usage.report("sessions", 2)
    since = usage.now + timedelta(minutes=1)
    usage.subscribe("pro", since=since)
    apply_new_terms(organization=usage.organization, since=since, now=since)
    assert usage.used("sessions", now=ahead) == 3
    assert usage.used("sessions") == 2
    assert set(UsageEvent.objects.filter(event_at=ahead).values_list("window_start", flat=True)) == {since}


def test_a_void_after_a_window_was_billed_lowers_its_total(usage):
    from plans.models import BilledUsage
    from usage.services.voids import void_event

    usage.subscribe("payg", since=datetime(2026, 6, 1, tzinfo=UTC))
    usage.report("sessions", 5)
    usage.tally()
    assert BilledUsage.objects.get().amount == 50
    july = datetime(2026, 7, 3, tzinfo=UTC)
    void_event(organization=usage.organization, event_id="e1", reason="refunded", now=july)
    usage.tally(now=july)
    assert BilledUsage.objects.get().amount == 40
    assert usage.paid("sessions") == (4, 0, 4, 0)
