"""Usage is counted and priced by the terms of its own time."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from plans import hooks
from plans.engine.price_ladders import parse
from plans.models import LadderOverride, Meter, Plan, TermsPeriod
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


def test_three_prices_in_one_window_each_pay_for_their_own(usage):
    usage.grant("usd", 100)
    at = usage.now
    usage.report("calls", quantity=100)  # at 0.003
    for price in ("0.01", "0.02"):
        LadderOverride.objects.filter(ends_at=None).update(ends_at=at + timedelta(hours=1))
        own_price(usage, price, at + timedelta(hours=1))
        at += timedelta(hours=2)
        usage.report("calls", quantity=100, at=at, now=at)
    usage.tally(now=at)
    assert usage.available("usd", now=at) == Decimal("100") - Decimal("0.3") - 1 - 2
    assert usage.paid("calls") == (300, 300, 0, 0)


def test_a_change_that_does_not_concern_a_meter_begins_no_segment_of_it(usage):
    change = usage.now - timedelta(days=1)
    own_price(usage, "0.01", change)
    usage.report("sessions")
    usage.report("calls", quantity=1)
    starts = dict(UsageEvent.objects.values_list("meter__code", "segment_start"))
    assert starts == {"sessions": datetime(2026, 6, 1, tzinfo=UTC), "calls": change}


def test_terms_of_an_earlier_window_hold_for_it_though_another_meter_is_only_used_now(usage):
    usage.grant("usd", 100, now=usage.now - timedelta(days=40))
    own_price(usage, "0.01", usage.now - timedelta(days=35))
    LadderOverride.objects.update(ends_at=usage.now - timedelta(days=20))
    usage.report("calls", quantity=100, at=usage.now - timedelta(days=30))
    usage.report("sessions", 12)
    usage.tally()
    assert usage.available("usd") == 100 - 1 - 1


def test_what_was_used_only_after_a_change_is_paid(usage):
    usage.grant("usd", 100)
    usage.report("sessions", 1)
    own_price(usage, "0.01", usage.now + timedelta(minutes=1))
    later = usage.now + timedelta(minutes=2)
    usage.report("calls", quantity=100, at=later, now=later)
    usage.tally(now=later)
    assert usage.paid("calls") == (100, 100, 0, 0)
    assert usage.available("usd", now=later) == 99


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


def test_what_was_used_while_the_plan_did_not_have_the_meter_is_not_charged(usage):
    start, change, later = usage.now.replace(day=1, hour=0), usage.now, usage.now + timedelta(hours=1)
    usage.subscribe("pro", since=start)
    usage.report("calls", 5, at=change - timedelta(days=1))
    assert usage.used("calls") == 5
    first = TermsPeriod.objects.get()
    TermsPeriod.objects.filter(pk=first.pk).update(ends_at=change)
    first.pk, first.plan, first.starts_at = None, Plan.objects.get(code="payg"), change
    first.save(force_insert=True)
    apply_new_terms(organization=usage.organization, since=change, now=change)
    usage.report("calls", at=change, now=later)
    usage.report("calls", 11, at=later, now=later)
    assert usage.used("calls", now=later) == 12
    usage.tally(now=later)
    assert usage.paid("calls") == (2, 0, 2, 0)


def test_what_an_earlier_window_left_unpaid_refuses_until_it_is_paid(usage, usage_of, globex):
    july = datetime(2026, 7, 2, tzinfo=UTC)
    other = usage_of(globex)
    for one in (usage, other):
        one.report("sessions", 10)
    usage.report("sessions", 2)
    usage.tally()
    decision = usage.ask("sessions", now=july).decision
    assert (decision.allowed, decision.code, decision.from_allowance, decision.missing) == (True, "allowance", 1, 0)
    beyond = usage.ask("sessions", 11, now=july).decision
    assert (beyond.code, beyond.from_allowance, beyond.missing) == ("limit_reached", 10, 3)
    assert other.ask("sessions", 11, now=july).decision.missing == 1
    usage.grant("usd", "1.5", now=july)
    assert usage.ask("sessions", 11, now=july).decision.missing == 2
    usage.tally(now=july)
    assert usage.paid("sessions") == (2, 2, 0, 0)
    assert usage.ask("sessions", 11, now=july).decision.allowed
    assert usage.ask("sessions", 12, now=july).decision.missing == 1
