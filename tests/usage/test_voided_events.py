"""A voided event leaves every figure as if it had never come: totals, days, subjects, readings."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal as D

import pytest

from core.errors import InvalidInput
from usage.models import MeterState, UsageCounter, WindowSubject
from usage.services.counters import carried_readings, read_totals
from usage.services.voids import void_event

DAY = timedelta(days=1)


@pytest.fixture
def void(usage):
    def take_back(*names):
        for name in names:
            void_event(organization=usage.organization, event_id=name, reason="Sent by mistake", now=usage.now)

    return take_back


@pytest.fixture
def send(usage):
    """`send("calls", a=(quantity, days ago), …)`: events named a, …"""

    def report(meter, **events):
        subject = {"subject": "ann"} if meter == "mau" else {}
        sent = [
            usage.event(meter, id=name, quantity=quantity, at=usage.now - ago * DAY, **subject)
            for name, (quantity, ago) in events.items()
        ]
        assert usage.send(sent).accepted == len(sent)

    return report


def days():
    """Of each day that counted something: how long ago, events, everything, what counts."""
    rows = UsageCounter.objects.order_by("day")
    return [(row.day.day, row.events, row.quantity, row.billable) for row in rows]


def reading():
    return MeterState.objects.values_list("reading", "reading_id").get()


def test_a_sum(usage, send, void):
    send("calls", a=("2.5", 1), b=("4", 0), c=("3", 0))
    void("b", "b")
    assert days() == [(14, 1, D("2.5"), D("2.5")), (15, 1, 3, 3)]
    assert usage.used("calls") == D("5.5")
    void("a", "c")
    assert days() == [(14, 0, 0, 0), (15, 0, 0, 0)]
    assert usage.used("calls") == 0


def test_the_reason_may_be_as_long_as_is_said_and_no_longer(usage, send):
    send("calls", a=("2", 0))
    with pytest.raises(InvalidInput, match="1 to 500 characters"):
        void_event(organization=usage.organization, event_id="a", reason="x" * 501, now=usage.now)
    voided = void_event(organization=usage.organization, event_id="a", reason="x" * 500, now=usage.now)
    assert voided.voided_at == usage.now


def test_a_count_and_what_never_counted(usage, void):
    usage.report("sessions", 2, quantity="5")
    usage.report("sessions", status="failed", quantity="5")
    assert days() == [(15, 3, 15, 2)]
    void("e3")
    assert days() == [(15, 2, 10, 2)]
    void("e1")
    assert days() == [(15, 1, 5, 1)]
    assert usage.used("sessions") == 1


def test_a_subject_moves_to_its_first_event_that_is_left(usage, send, void):
    send("mau", a=("1", 3), b=("1", 2), c=("1", 1))
    assert days() == [(12, 1, 1, 1), (13, 1, 1, 0), (14, 1, 1, 0)]
    void("b")
    assert days() == [(12, 1, 1, 1), (13, 0, 0, 0), (14, 1, 1, 0)]
    void("a")
    assert days() == [(12, 0, 0, 0), (13, 0, 0, 0), (14, 1, 1, 1)]
    assert (usage.used("mau"), WindowSubject.objects.get().live_events) == (1, 1)
    void("c")
    assert (usage.used("mau"), WindowSubject.objects.get().live_events) == (0, 0)
    send("mau", d=("1", 4))
    assert days() == [(11, 1, 1, 1), (12, 0, 0, 0), (13, 0, 0, 0), (14, 0, 0, 0)]
    assert usage.used("mau") == 1


def test_an_earlier_event_of_a_subject_moves_it_to_its_day(usage, send):
    send("mau", a=("1", 1))
    send("mau", b=("1", 3), c=("1", 2), d=("1", 0))
    assert [(day, billable) for day, _, _, billable in days()] == [(12, 1), (13, 0), (14, 0), (15, 0)]
    assert (usage.used("mau"), WindowSubject.objects.get().live_events) == (1, 4)


def test_a_reading_gives_way_to_the_highest_and_the_newest_that_are_left(usage, send, void):
    send("storage", a=("5", 2), b=("9", 1), c=("3", 1), d=("7", 0))
    assert days() == [(13, 1, 5, 5), (14, 2, 12, 9), (15, 1, 7, 7)]
    assert reading() == (7, "d")
    void("b")
    assert days() == [(13, 1, 5, 5), (14, 1, 3, 3), (15, 1, 7, 7)]
    assert reading() == (7, "d")
    void("d")
    assert days()[-1] == (15, 0, 0, 0)
    assert reading() == (3, "c")
    assert usage.used("storage") == 3
    void("c", "a")
    assert days() == [(13, 0, 0, 0), (14, 0, 0, 0), (15, 0, 0, 0)]
    assert reading() == (None, "")
    assert usage.used("storage") == 0


def test_of_readings_at_one_instant_the_last_by_id_is_the_newest(send):
    send("storage", b=("2", 0))
    send("storage", a=("1", 0))
    assert reading() == (2, "b")
    send("storage", c=("3", 0), d=("4", 1))
    assert reading() == (3, "c")


def test_the_next_window_begins_with_the_newest_reading(send):
    send("storage", b=("2", 0), c=("3", 0), a=("9", 0), d=("4", 1))
    key = MeterState.objects.values_list("organization_id", "meter_id").get()
    july = datetime(2026, 7, 1, tzinfo=UTC)
    assert carried_readings([(*key, july)]) == {(*key, july): 3}


def test_totals_until_an_instant_leave_out_what_came_at_it_or_later(usage, send):
    midnight = (usage.now - DAY).replace(hour=0)
    send("calls", a=("1", 2), b=("2", 1), c=("4", 0))
    usage.report("calls", quantity="8", at=midnight)
    key = MeterState.objects.values_list("organization_id", "meter_id").get()

    def total(until):
        found = read_totals({key: usage.now.replace(day=1, hour=0)}, until=until)
        return sum(segment.billable for window in found[key].values() for segment in window.values())

    instant = timedelta(microseconds=1)
    moments = [usage.now - 2 * DAY, midnight, midnight + instant, usage.now - DAY, usage.now, usage.now + instant]
    assert [total(moment) for moment in moments] == [0, 1, 9, 9, 11, 15]


def test_totals_until_an_instant_count_a_subject_where_it_came_first(usage):
    morning, night = usage.now.replace(hour=8), usage.now.replace(hour=20)
    ids = MeterState.objects.values_list("organization_id", "meter_id")
    for at, subject in ((usage.now - DAY, "ann"), (morning, "ann"), (morning, "bob"), (night, "bob"), (night, "cyd")):
        usage.report("mau", subject=subject, at=at, now=night)

    def total(until):
        found = read_totals({ids.get(): usage.now.replace(day=1, hour=0)}, until=until)
        return [(one.events, one.billable) for window in found[ids.get()].values() for one in window.values()]

    instant = timedelta(microseconds=1)
    assert total(morning) == [(1, 1)]
    assert total(morning + instant) == [(3, 2)]
    assert total(night) == [(3, 2)]
    assert total(night + instant) == [(5, 3)]
