"""Usage in the admin: all of it can be seen, none of it changed, and an event can be tried."""

import json

import pytest
from django.urls import reverse

from usage.models import UsageEvent

LISTS = ["usageevent", "usagecounter", "settlement", "usagehold", "tallyrun"]


@pytest.mark.parametrize("model", LISTS)
def test_staff_see_and_change_nothing(model, usage, stella, signed_in):
    usage.grant("usd", 5)
    usage.report("sessions", 12)
    usage.tally()
    browser = signed_in(stella)
    assert browser.get(reverse(f"admin:usage_{model}_changelist")).status_code == 200
    assert browser.get(reverse(f"admin:usage_{model}_add")).status_code == 403


def test_one_event_shows_why_it_does_not_count(usage, stella, signed_in):
    usage.report("sessions", status="failed")
    event = UsageEvent.objects.get()
    page = signed_in(stella).get(reverse("admin:usage_usageevent_change", args=[event.pk]))
    assert "status is failed" in page.content.decode()


@pytest.mark.parametrize(
    ("event", "words"),
    [
        ({"status": "success", "duration_ms": 6000}, "Asked beforehand"),
        ({"status": "failed", "duration_ms": 6000}, "status is failed"),
        ({"timestamp": "2001-01-01T00:00:00Z"}, "too_old"),
        ({"colour": "red"}, "Unknown field: colour"),
    ],
)
def test_a_sample_event_says_what_would_happen_and_does_not(usage, stella, signed_in, event, words):
    from plans.models import Meter

    form = {
        "organization": usage.organization.public_id,
        "meter": Meter.objects.get(code="sessions").pk,
        "event": json.dumps(event),
    }
    page = signed_in(stella).post(reverse("admin:usage_usageevent_try"), form)
    assert words in page.content.decode()
    assert UsageEvent.objects.count() == 0


def test_staff_without_permission_try_nothing(usage, sven, signed_in):
    assert signed_in(sven).get(reverse("admin:usage_usageevent_try")).status_code in (302, 403)
