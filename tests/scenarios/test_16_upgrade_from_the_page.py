"""Scenario 16: hosted checkout, webhook, and the plan is Pro with its limits lifted."""

import pytest

pytestmark = pytest.mark.django_db


def test_upgrade_from_the_page_hosted_checkout_webhook_limits_lifted(stage, customer, backend) -> None:
    backend.report("sessions", 100, duration_ms=6000)
    assert backend.may("sessions") == (False, "limit_reached")
    assert "Choose Pro" in customer.read("/pricing/")
    assert "Due now $29.00" in customer.review("pro")

    customer.subscribe("pro")

    assert backend.may("sessions") == (True, "allowance")
    page = customer.read(customer.address("plan"))
    assert "$29.00 a month" in page and "400 sessions a month, then $0.07 each" in page
    usage = backend.client.get(f"/billing/usage?organization={stage.organization.public_id}").json()
    assert (usage["plan"], usage["interval"], usage["status"]) == ("pro", "month", "active")


def test_the_api_opens_the_same_checkout(stage, backend) -> None:
    body = {"organization": stage.organization.public_id, "plan": "pro", "interval": "month"}
    answer = backend.client.post("/billing/checkout", body)
    assert answer.status_code == 201
    stage.sandbox.pay(answer.json()["url"].rsplit("/", 1)[-1].partition("#")[0])
    stage.deliver()
    assert backend.may("sessions") == (True, "allowance")
    again = backend.client.post("/billing/checkout", body)
    assert (again.status_code, again.json()["error"]["code"]) == (409, "already_subscribed")
    assert len(stage.live_at_stripe()) == 1
