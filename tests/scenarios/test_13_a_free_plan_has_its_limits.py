"""Scenario 13."""

from datetime import UTC, datetime

import pytest

from payments.catalogue_file import load
from tests.scenarios.usage_shop import Backend

CATALOGUE = """
[[units]]
code = "sessions"
name = "Session credits"

[[meters]]
code = "sessions"
name = "Sessions"
aggregation = "count"
unit_name = "session"
billable = { statuses = ["success"], min_duration_ms = 5000 }
[[meters.credit_rates]]
unit = "sessions"
ladder = [{ price = "1" }]

[[plans]]
code = "free"
name = "Free"
default = true
[[plans.allowances]]
meter = "sessions"
included = "100"
beyond = "credits"
concurrency = 5
"""


@pytest.fixture
def backend(api, service_key, acme):
    load(text=CATALOGUE, now=datetime(2026, 1, 1, tzinfo=UTC))
    return Backend(api(service_key), acme)


def hold(backend, number):
    body = {"organization": backend.organization.public_id, "meter": "sessions", "quantity": "1"}
    return backend.client.post("/holds", body | {"reference": f"session-{number}"})


def test_the_sixth_at_a_time_is_refused_until_one_ends(backend):
    opened = [hold(backend, number) for number in range(5)]
    assert [answer.status_code for answer in opened] == [201] * 5
    assert hold(backend, 5).json()["error"]["code"] == "concurrency_reached"
    backend.client.post(f"/holds/{opened[0].json()['id']}/capture", {"duration_ms": 6000})
    assert hold(backend, 5).status_code == 201


def test_at_85_the_page_says_so_and_shows_a_way_up(backend, signed_in, alice):
    backend.report("sessions", 85, duration_ms=6000)
    page = signed_in(alice).get(f"/o/{backend.organization.public_id}/usage/").content.decode()
    assert "85 of 100" in page
    assert f"/o/{backend.organization.public_id}/credits/buy/" in page


def test_the_101st_is_refused_with_a_way_to_pay(backend):
    backend.report("sessions", 100, duration_ms=6000)
    answer = hold(backend, 101)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (402, "limit_reached")
    assert "/credits/buy/" in error["details"]["checkout_url"]
    assert backend.may("sessions") == (False, "limit_reached")
