"""Usage beyond what is included is paid once: by credits, by bills, or it stays unpaid."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from credits.models import LedgerEntry
from plans.engine.price_ladders import parse
from plans.models import BilledUsage, LadderOverride, Meter
from usage.models import Settlement, SettlementDraw
from usage.services.voids import void_event


def test_overage_takes_credits_and_the_rest_is_unpaid(usage):
    usage.grant("mau", 5)
    usage.users(1, 13)
    usage.tally()
    assert usage.paid("mau") == (10, 5, 0, 5)
    assert usage.available("mau") == 0
    assert usage.code("mau") == "limit_reached"


def test_credits_that_come_later_pay_exactly_what_is_unpaid(usage):
    usage.grant("mau", 5)
    usage.users(1, 13)
    usage.tally()
    usage.grant("mau", 8)
    usage.tally()
    assert usage.paid("mau") == (10, 10, 0, 0)
    assert usage.available("mau") == 3
    assert usage.code("mau") == "credits"


def test_a_second_tally_takes_nothing(usage):
    usage.grant("mau", 50)
    usage.users(1, 13)
    usage.tally()
    entries = LedgerEntry.objects.count()
    for _ in range(3):
        usage.tally()
    assert usage.available("mau") == 40
    assert LedgerEntry.objects.count() == entries


@pytest.mark.parametrize(("total", "cost"), [("1000", "3.000"), ("1005", "3.015"), ("1500000", "4100")])
def test_tiers_are_climbed_from_zero_in_each_window(usage, total, cost):
    usage.grant("usd", 5000)
    usage.report("calls", quantity=total)
    usage.tally()
    assert usage.available("usd") == 5000 - Decimal(cost)


def test_what_comes_later_goes_on_up_the_ladder(usage):
    usage.grant("usd", 5000)
    for part in ("1000", "5", "1498995"):
        usage.report("calls", quantity=part)
        usage.tally()
    assert usage.available("usd") == 900


def test_own_unit_first_then_the_currency(usage):
    usage.grant("mau", 4)
    usage.grant("usd", 1)
    usage.report("calls", quantity=100)
    usage.tally()
    assert usage.available("mau") == 0
    assert usage.available("usd") == Decimal(1) - Decimal("0.288")


def test_partial_cover_is_the_largest_affordable_quantity(usage):
    usage.grant("usd", "0.01")
    usage.report("calls", quantity=100)
    usage.tally()
    overage, covered, _, unpaid = usage.paid("calls")
    assert covered == Decimal("3.333333")
    assert unpaid == overage - covered
    assert usage.available("usd") == 0


def test_a_void_gives_back_what_was_paid_last_drawn_first(usage):
    usage.grant("mau", 4)
    usage.grant("usd", 10)
    usage.report("calls", quantity=4)
    usage.tally()
    usage.send([usage.event("calls", quantity=100, id="big")])
    usage.tally()
    void_event(organization=usage.organization, event_id="big", reason="sent by mistake", now=usage.now)
    usage.tally()
    assert usage.paid("calls") == (4, 4, 0, 0)
    assert (usage.available("mau"), usage.available("usd")) == (0, 10)


def test_billed_usage_is_reported_as_the_running_total(usage):
    usage.subscribe("payg", since=datetime(2026, 6, 1, tzinfo=UTC))
    usage.report("sessions", 10)
    usage.report("sessions", 3, status="failed")
    usage.report("sessions", 2, duration_ms=4999)
    usage.tally()
    billed = BilledUsage.objects.get()
    assert (billed.quantity, billed.amount) == (10, 100)


def test_the_cap_stops_billing(usage):
    usage.subscribe("payg", since=datetime(2026, 6, 1, tzinfo=UTC))
    usage.report("sessions", 25)
    usage.tally()
    assert usage.paid("sessions") == (25, 0, 20, 5)
    assert usage.code("sessions") == "budget_reached"


def test_credits_first_then_bill(usage):
    usage.subscribe("payg", since=datetime(2026, 6, 1, tzinfo=UTC))
    usage.grant("mau", 3)
    usage.report("calls", quantity=20)
    usage.tally()
    assert usage.paid("calls") == (10, 3, 7, 0)
    assert BilledUsage.objects.get().amount == 700


def test_a_reading_settles_at_its_highest_and_carries_into_the_next_window(usage):
    usage.grant("usd", 100)
    usage.report("storage", quantity=9)
    usage.report("storage", quantity=6, at=usage.now + timedelta(minutes=1))
    usage.tally()
    assert usage.available("usd") == 92  # 9 − 5 included, at 2 each
    assert usage.used("storage") == 6
    july = datetime(2026, 7, 1, 0, 0, tzinfo=UTC)
    usage.tally(now=july)
    assert usage.available("usd", now=july) == 90
    usage.tally(now=july + timedelta(days=3))
    assert Settlement.objects.filter(meter__code="storage").count() == 2


def test_the_highest_reading_of_all_days_is_paid(usage):
    usage.grant("usd", 100)
    for days_ago, reading in ((3, 7), (2, 9), (0, 6)):
        usage.report("storage", quantity=reading, at=usage.now - timedelta(days=days_ago))
    usage.tally()
    assert usage.available("usd") == 92  # 9 − 5 included, at 2 each


def test_a_reading_that_rises_again_pays_the_rise(usage):
    usage.grant("usd", 100)
    usage.report("storage", quantity=9)
    usage.tally()
    later = usage.now + timedelta(hours=6)
    usage.report("storage", quantity=12, at=later, now=later)
    usage.tally(now=later)
    assert usage.available("usd", now=later) == 86  # 12 − 5 included, at 2 each


def test_usage_is_paid_by_what_was_live_when_it_happened(usage):
    usage.grant("usd", 10, expires_at=usage.now + timedelta(hours=1))
    usage.grant("usd", 10, expires_at=usage.now + timedelta(days=90))
    usage.report("calls", quantity=2000)  # 6 dollars
    later = usage.now + timedelta(hours=2)
    usage.report("calls", quantity=1000, at=later, now=later)  # 3 dollars, after the first ten have lapsed
    usage.tally(now=later)
    assert usage.available("usd", now=later) == 7
    assert usage.paid("calls") == (3000, 3000, 0, 0)


def test_what_cost_nothing_is_given_back_too(usage):
    LadderOverride.objects.create(
        organization=usage.organization,
        meter=Meter.objects.get(code="calls"),
        unit_id="usd",
        ladder=parse([{"up_to": "100", "price": "0"}, {"price": "1"}]),
        starts_at=usage.now.replace(day=1, hour=0),
    )
    usage.grant("usd", 1)
    usage.send([usage.event("calls", id=name, quantity=quantity) for name, quantity in (("a", 5), ("b", "0.5"))])
    usage.tally()
    void_event(organization=usage.organization, event_id="b", reason="sent by mistake", now=usage.now)
    usage.tally()
    assert (usage.paid("calls"), usage.available("usd")) == ((5, 5, 0, 0), 1)
    draw = SettlementDraw.objects.get()
    assert (draw.quantity, draw.charged, draw.restored_quantity) == (Decimal("5.5"), 0, Decimal("0.5"))


def test_each_draw_keeps_how_much_of_it_was_given_back(usage):
    usage.grant("mau", 10)
    for name, quantity in (("a", "4"), ("b", "3")):
        usage.send([usage.event("calls", id=name, quantity=quantity)])
        usage.tally()

    def draws():
        return list(
            SettlementDraw.objects.order_by("pk").values_list("quantity", "restored_quantity", "charged", "restored")
        )

    assert draws() == [(4, 0, 4, 0), (3, 0, 3, 0)]
    for name, expected in (("a", [(4, 1, 4, 1), (3, 3, 3, 3)]), ("b", [(4, 4, 4, 4), (3, 3, 3, 3)])):
        void_event(organization=usage.organization, event_id=name, reason="double", now=usage.now)
        usage.tally()
        assert draws() == expected
    assert usage.available("mau") == 10
    assert usage.paid("calls") == (0, 0, 0, 0)


def test_what_comes_back_first_is_the_unit_that_was_drawn_on_last_to_begin_with(usage):
    """However often the first one was drawn on since."""
    usage.grant("mau", 2)
    usage.grant("usd", 1)
    usage.send([usage.event("calls", id="a", quantity="3")])
    usage.tally()
    usage.grant("mau", 5)
    usage.send([usage.event("calls", id=name, quantity="1") for name in ("b", "c")])
    usage.tally()
    assert (usage.available("mau"), usage.available("usd")) == (3, Decimal("0.997"))
    void_event(organization=usage.organization, event_id="b", reason="double", now=usage.now)
    usage.tally()
    assert (usage.available("mau"), usage.available("usd")) == (3, 1)
    void_event(organization=usage.organization, event_id="c", reason="double", now=usage.now)
    usage.tally()
    assert (usage.available("mau"), usage.available("usd")) == (4, 1)
