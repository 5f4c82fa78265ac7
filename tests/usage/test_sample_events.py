"""Trying a sample event: read as ingest would, placed, and answered for as much as it would add."""

from datetime import UTC, datetime
from decimal import Decimal as D

import pytest

from plans.models import Meter
from usage.models import MeterState, UsageEvent
from usage.services.sample_event import try_event

JUNE = datetime(2026, 6, 1, tzinfo=UTC)


@pytest.fixture
def attempt(usage):
    def try_it(code, **event):
        found = Meter.objects.get(code=code)
        return try_event(organization=usage.organization, meter=found, event=event, now=usage.now)

    return try_it


def test_a_sum_is_asked_for_all_that_it_would_add(usage, attempt):
    usage.grant("mau", 4)
    result = attempt("calls", quantity="4")
    assert (result.rejected, result.adds, result.event.event_id) == (None, 4, "sample")
    assert (result.segment.window_start, result.segment.segment_start) == (JUNE, JUNE)
    assert (result.answer["allowed"], result.answer["code"]) == (True, "credits")
    assert attempt("calls", quantity="1004").answer["code"] == "limit_reached"
    assert attempt("calls", quantity="0").answer["code"] == "credits"


def test_anything_else_is_asked_for_one(usage, attempt):
    usage.report("sessions", 9)
    assert attempt("sessions", quantity="50", duration_ms=6000).answer["allowed"] is True
    assert attempt("sessions", quantity="50", duration_ms=6000).adds == 1
    usage.report("sessions")
    assert attempt("sessions", duration_ms=6000).answer["code"] == "limit_reached"
    failed = attempt("sessions", status="failed", duration_ms=6000)
    assert (failed.adds, failed.event.not_billable) == (0, "status is failed, which is not among success")
    assert failed.answer["code"] == "limit_reached"


def test_what_would_be_rejected_has_no_answer(attempt):
    result = attempt("mau", timestamp="2001-01-01T00:00:00Z", subject="ann")
    assert (result.rejected.code, result.adds, result.answer) == ("too_old", D(0), None)
    assert (result.event, result.segment, result.entitlement) == (None, None, None)


def test_it_cannot_name_another_organization_or_meter_and_leaves_nothing(usage, attempt, globex):
    result = attempt("calls", organization=globex.public_id, meter="sessions", quantity="2")
    assert (result.event.organization_id, result.event.meter.code) == (usage.organization.pk, "calls")
    assert not UsageEvent.objects.exists()
    assert not MeterState.objects.exists()
