"""What organizations and products are told while usage runs out, and when it works again."""

from datetime import UTC, datetime

import pytest
import time_machine

from notifications.models import Event, SentEmail
from notifications.services import publish
from payments.catalogue_file import load
from plans.models import Allowance, Meter, OnDemand
from plans.services.plan_revisions import publish_terms
from tests.factories import OrganizationFactory
from tests.usage.conftest import CATALOGUE
from usage.services.capture import capture_usage_hold
from usage.services.holds import open_usage_hold
from usage.services.meter_alerts import check_meters


def told(type):
    return [event.data for event in Event.objects.filter(type=type).order_by("pk")]


def report_and_check(usage, count, **fields):
    usage.report("sessions", count, **fields)
    check_meters(now=usage.now)
    return [data["percent"] for data in told("usage.threshold")]


def test_each_threshold_is_told_once_per_window(usage):
    assert report_and_check(usage, 4) == []
    assert report_and_check(usage, 1) == [50]
    assert report_and_check(usage, 1) == [50]
    assert report_and_check(usage, 3) == [50, 75, 90]
    assert report_and_check(usage, 4) == [50, 75, 90, 100]
    assert told("usage.threshold")[0] == {
        "meter": "sessions",
        "percent": 50,
        "used": "5",
        "included": "10",
        "window_start": "2026-06-01T00:00:00+00:00",
        "window_end": "2026-07-01T00:00:00+00:00",
    }
    july = datetime(2026, 7, 2, tzinfo=UTC)
    usage.report("sessions", 5, at=july, now=july)
    check_meters(now=july)
    assert [data["percent"] for data in told("usage.threshold")] == [50, 75, 90, 100, 50]


def test_a_refusal_is_told_once_and_so_is_its_end(usage):
    report_and_check(usage, 10)
    report_and_check(usage, 1)
    assert [(data["meter"], data["code"]) for data in told("entitlement.blocked")] == [("sessions", "limit_reached")]
    assert told("entitlement.restored") == []


def test_credits_restore_what_was_refused(usage, django_capture_on_commit_callbacks):
    report_and_check(usage, 10)
    with django_capture_on_commit_callbacks(execute=True):
        usage.grant("usd", 5)
    assert [data["meter"] for data in told("entitlement.restored")] == ["sessions"]
    assert len(told("entitlement.blocked")) == 1


def test_a_tally_that_pays_restores_what_was_refused(usage):
    report_and_check(usage, 12)
    assert [data["code"] for data in told("entitlement.blocked")] == ["limit_reached"]
    usage.grant("usd", 5)
    assert check_meters(now=usage.now) == 0
    usage.tally()
    assert [data["meter"] for data in told("entitlement.restored")] == ["sessions"]


def test_a_new_window_restores_without_anybody_doing_anything(usage):
    report_and_check(usage, 10)
    july = datetime(2026, 7, 1, tzinfo=UTC)
    assert check_meters(now=july) == 1
    assert len(told("entitlement.restored")) == 1
    assert check_meters(now=july) == 0


def test_a_plan_that_includes_more_restores_what_was_refused(usage):
    report_and_check(usage, 10)
    assert [data["code"] for data in told("entitlement.blocked")] == ["limit_reached"]
    Allowance.objects.filter(plan__code="free", meter__code="sessions").update(included=20)
    publish_terms(now=usage.now)
    assert check_meters(now=usage.now) > 0
    assert [data["meter"] for data in told("entitlement.restored")] == ["sessions"]


def test_nothing_is_told_while_there_is_enough(usage):
    assert report_and_check(usage, 1) == []
    assert told("entitlement.blocked") == []


def test_ingest_has_somebody_look_after_the_commit(usage, django_capture_on_commit_callbacks):
    with time_machine.travel(usage.now, tick=False), django_capture_on_commit_callbacks(execute=True):
        usage.report("sessions", 5)
    assert [data["percent"] for data in told("usage.threshold")] == [50]


def test_one_organizations_trouble_does_not_silence_the_others(usage, usage_of):
    others = usage_of(OrganizationFactory())
    for each in (usage, others):
        each.sent = 0
        each.report("sessions", 10)
    # Somebody else's event has the key that the refusal is about to use.
    key = f"{usage.organization.pk}:sessions:{usage.now.isoformat()}"
    stolen = publish(
        type="entitlement.blocked", organization=others.organization, key=key, data={"meter": "calls"}, now=usage.now
    )
    assert check_meters(now=usage.now) == 1
    assert {event.organization for event in Event.objects.exclude(pk=stolen.pk)} == {others.organization}

    Event.objects.filter(pk=stolen.pk).delete()
    assert check_meters(now=usage.now) == 1
    assert Event.objects.filter(organization=usage.organization, type="entitlement.blocked").count() == 1


def emails_of(type):
    return SentEmail.objects.filter(event__type=type).order_by("pk")


def test_of_several_thresholds_passed_at_once_people_are_told_the_highest(usage, django_capture_on_commit_callbacks):
    with time_machine.travel(usage.now, tick=False), django_capture_on_commit_callbacks(execute=True):
        usage.report("sessions", 9)
    assert [data["percent"] for data in told("usage.threshold")] == [50, 75, 90]
    assert {email.subject for email in emails_of("usage.threshold")} == {"Acme: 90 % of Sessions used"}


def test_each_email_says_what_happened_with_units_and_what_to_do(usage, django_capture_on_commit_callbacks):
    with time_machine.travel(usage.now, tick=False), django_capture_on_commit_callbacks(execute=True):
        usage.report("sessions", 8)
    with time_machine.travel(usage.now, tick=False), django_capture_on_commit_callbacks(execute=True):
        usage.report("sessions", 3)
        check_meters(now=usage.now)
    threshold = emails_of("usage.threshold").filter(subject__contains="75 %")[0]
    blocked = emails_of("entitlement.blocked")[0]
    assert threshold.subject == "Acme: 75 % of Sessions used"
    assert "of 10 sessions included. A new period begins on 1 Jul 2026, 00:00 UTC." in threshold.text
    assert blocked.subject == "Acme: no more Sessions for now"
    assert "Used so far: 11 sessions; included: 10 sessions." in blocked.text
    for email in (threshold, blocked):
        assert f"Buy credits: http://127.0.0.1:8000/o/{usage.organization.public_id}/credits/buy/?unit=" in email.text

    with time_machine.travel(usage.now, tick=False), django_capture_on_commit_callbacks(execute=True):
        usage.grant("usd", 5)
    [restored] = emails_of("entitlement.restored").filter(to=usage.organization.email)
    assert restored.subject == "Acme: Sessions allowed again"
    assert "credits pay for more" in restored.text


def test_a_captured_job_has_somebody_look_after_the_commit(usage, django_capture_on_commit_callbacks):
    with time_machine.travel(usage.now, tick=False), django_capture_on_commit_callbacks(execute=True):
        held = open_usage_hold(
            organization=usage.organization,
            meter=Meter.objects.get(code="sessions"),
            quantity=5,
            reference="job",
            now=usage.now,
        )
        check_meters(now=usage.now)
        capture_usage_hold(hold=held, duration_ms=9000, now=usage.now)
        assert told("usage.threshold") == []
    assert [data["percent"] for data in told("usage.threshold")] == [50]


@pytest.mark.parametrize(("sold", "wanted"), [("on_demand", 2), ("block", 0)])
def test_what_is_used_beyond_a_commitment_is_wanted_on_demand(usage, sold, wanted):
    june = datetime(2026, 6, 1, tzinfo=UTC)
    text = CATALOGUE.partition('code = "team"')[2].replace('beyond = "block"', f'beyond = "{sold}"')
    load(text=f'[[plans]]\ncode = "team"{text}', now=june)
    usage.subscribe("team", since=june, bought=5)
    usage.report("sessions")
    check_meters(now=usage.now)
    assert not OnDemand.objects.exists()
    usage.report("instances", quantity="6.000001")
    assert check_meters(now=usage.now) == 1
    assert OnDemand.objects.get().wanted == wanted
