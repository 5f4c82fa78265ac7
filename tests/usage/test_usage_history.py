"""What was used and how it was paid: in the API, on the pages, as a file."""

import csv
import io
from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from plans import hooks
from plans.engine.price_ladders import parse
from plans.models import LadderOverride, Meter


@pytest.fixture(autouse=True)
def _noon(now):
    with time_machine.travel(now, tick=False):
        yield


@pytest.fixture
def busy(usage):
    """Included on the 13th, partly included and partly paid by credits on the 14th, the rest unpaid on the 15th."""
    usage.grant("usd", 2)
    usage.report("sessions", 8, at=usage.now - timedelta(days=2))
    usage.report("sessions", 5, at=usage.now - timedelta(days=1))
    usage.report("sessions", 4)
    usage.report("sessions", 1, status="failed")
    usage.tally()
    return usage


def series(api, key, usage, **query):
    answer = api(key).get(f"/organizations/{usage.organization.public_id}/usage", {"meter": "sessions", **query})
    assert answer.status_code == 200, answer.json()
    return answer.json()["series"]


def test_the_table_of_days_has_a_column_for_what_paid_and_for_nothing_else(signed_in, alice, busy):
    page = signed_in(alice).get(f"/o/{busy.organization.public_id}/usage/sessions/").content.decode()
    table = page[page.index("The last days") :]
    for label in ("Counted", "Included", "Credits", "Unpaid"):
        assert f">{label}</th>" in table
    assert ">Billed</th>" not in table


def test_days_say_how_each_part_was_paid(api, acme_read_key, busy):
    days = series(api, acme_read_key, busy, **{"from": "2026-06-13", "to": "2026-06-15"})
    names = ("start", "quantity", "billable", "from_allowance", "from_credits", "billed", "unpaid")
    assert [tuple(day[name] for name in names) for day in days] == [
        ("2026-06-13", "8", "8", "8", "0", "0", "0"),
        ("2026-06-14", "5", "5", "2", "3", "0", "0"),
        ("2026-06-15", "5", "4", "0", "1", "0", "3"),
    ]


def test_twelve_months_by_month(api, acme_read_key, busy):
    months = series(api, acme_read_key, busy, group_by="month")
    assert [month["start"] for month in months][::11] == ["2025-07-01", "2026-06-01"]
    assert len(months) == 12
    assert (months[-1]["billable"], months[-1]["from_credits"], months[-1]["unpaid"]) == ("17", "4", "3")


def test_what_is_not_settled_yet_shows_as_unpaid(api, acme_read_key, usage):
    usage.report("sessions", 12)
    assert series(api, acme_read_key, usage)[-1]["unpaid"] == "2"


def test_the_highest_reading_of_a_month(api, acme_read_key, usage):
    usage.report("storage", quantity=4, at=usage.now - timedelta(days=1))
    usage.report("storage", quantity=7)
    answer = api(acme_read_key).get(
        f"/organizations/{usage.organization.public_id}/usage", {"meter": "storage", "group_by": "month"}
    )
    assert answer.json()["series"][-1]["billable"] == "7"


def test_a_day_may_be_named_by_a_time_in_it(api, acme_read_key, busy):
    by_day = series(api, acme_read_key, busy, **{"from": "2026-06-13", "to": "2026-06-15"})
    by_time = {"from": "2026-06-13T01:00:00+00:00", "to": "2026-06-16T01:00:00+02:00"}
    assert series(api, acme_read_key, busy, **by_time) == by_day


@pytest.mark.parametrize(
    "query",
    [
        {"from": "2026-06-02", "to": "2026-06-01"},
        {"from": "2001-01-01"},
        {"from": "yesterday"},
        {"from": "2026-06-01T00:00:00"},
        {"to": "0001-01-01T00:00:00+14:00"},
        {"group_by": "hour"},
        {"colour": "red"},
    ],
)
def test_a_question_that_makes_no_sense(api, acme_read_key, usage, query):
    answer = api(acme_read_key).get(
        f"/organizations/{usage.organization.public_id}/usage", {"meter": "sessions", **query}
    )
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid")


def test_what_was_billed_and_what_was_used_under_other_terms_is_told_by_day(api, acme_read_key, usage):
    """Two segments of a window: pay as you go to the tenth, then a price of its own."""
    usage.subscribe("payg", since=datetime(2026, 6, 1, tzinfo=UTC))
    usage.report("calls", quantity=13, at=usage.now - timedelta(days=6))
    change = usage.now - timedelta(days=5)
    LadderOverride.objects.create(
        organization=usage.organization,
        meter=Meter.objects.get(code="calls"),
        ladder=parse([{"price": "2"}]),
        starts_at=change,
    )
    hooks.terms_changed(organization=usage.organization, since=change, now=usage.now)
    usage.report("calls", quantity=4)
    usage.tally()
    days = series(api, acme_read_key, usage, meter="calls", **{"from": "2026-06-09", "to": "2026-06-15"})
    assert [(day["billable"], day["from_allowance"], day["billed"]) for day in days][::6] == [
        ("13", "10", "3"),
        ("4", "0", "4"),
    ]


def test_what_the_window_costs_so_far(api, acme_read_key, usage):
    usage.subscribe("payg", since=datetime(2026, 6, 1, tzinfo=UTC))
    usage.report("sessions", 7)
    answer = api(acme_read_key).get("/billing/usage", {"organization": usage.organization.public_id}).json()
    assert (answer["plan"], answer["interval"], answer["status"], answer["currency"]) == (
        "payg",
        "month",
        "active",
        "usd",
    )
    assert answer["estimated_cost"] == 70
    assert answer["meters"][0] == {
        "meter": "sessions",
        "used": "7",
        "included": "0",
        "percent": None,
        "estimated_cost": 70,
    }


def test_the_pages_show_what_is_used_and_a_way_up(signed_in, alice, busy):
    page = signed_in(alice).get(f"/o/{busy.organization.public_id}/usage/")
    text = page.content.decode()
    assert "of 10 included" in text
    assert "credits/buy/?unit=usd" in text
    page = signed_in(alice).get(f"/o/{busy.organization.public_id}/usage/sessions/")
    assert page.status_code == 200
    assert "Twelve months" in page.content.decode()


def test_an_unused_meter_says_what_to_do_next(signed_in, bob, usage):
    page = signed_in(bob).get(f"/o/{usage.organization.public_id}/usage/storage/")
    assert "Nothing was used in twelve months" in page.content.decode()


def test_the_file_opens_safely_in_a_spreadsheet(signed_in, alice, busy):
    Meter.objects.filter(code="sessions").update(name="=1+1")
    answer = signed_in(alice).get(f"/o/{busy.organization.public_id}/usage/sessions/usage.csv?group_by=month")
    rows = list(csv.reader(io.StringIO(b"".join(answer.streaming_content).decode())))
    assert len(rows) == 13
    assert rows[-1] == ["2026-06-01", "sessions", "18", "17", "10", "4", "0", "3"]
    assert not [cell for row in rows for cell in row if cell.startswith(("=", "+", "-", "@"))]
