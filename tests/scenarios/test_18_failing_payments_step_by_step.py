"""Scenario 18: the first failure retries, the second emails, the third sets back to free, 14 days suspend; paying
restores.
"""

from datetime import timedelta

import pytest
from django.core.management import call_command

from notifications.models import SentEmail
from plans.models import DunningCase

pytestmark = pytest.mark.django_db


def emails() -> list[str]:
    sent = SentEmail.objects.filter(to="billing@acme.example").order_by("id")
    return list(sent.values_list("event__type", flat=True))


def test_four_steps_and_paying_restores_plan_and_access(stage, customer, backend) -> None:
    customer.subscribe("pro")
    stage.use_card("pm_card_chargeCustomerFail")
    stage.travel(to=stage.base.current_period_end)
    with stage.commit():
        stage.deliver()
    assert (stage.terms.plan, emails()) == ("pro", [])
    assert "could not be collected" in customer.read(customer.address("plan"))

    stage.travel(days=3)
    stage.deliver()
    assert (stage.terms.plan, emails()) == ("pro", ["payment.reminder"])

    stage.travel(days=5)
    stage.deliver()
    assert (stage.terms.plan, emails()[-1]) == ("free", "plan.downgraded")
    assert backend.may("sessions") == (True, "allowance"), "the free plan's"

    suspended_at = DunningCase.objects.get().first_failed_at + timedelta(days=14)
    stage.travel(to=suspended_at)
    with stage.commit():
        call_command("run_dunning", at=suspended_at)
    assert backend.may("sessions") == (False, "suspended")
    assert emails()[-1] == "organization.suspended"
    assert "Acme is suspended" in customer.read(customer.address("plan"))

    stage.use_card("pm_card_visa")
    stage.sandbox.client.v1.invoices.pay(DunningCase.objects.get().stripe_invoice_id)
    stage.deliver()
    assert (stage.terms.plan, backend.may("sessions")) == ("pro", (True, "allowance"))
    assert emails()[-2:] == ["plan.restored", "organization.restored"]
    assert "overdue" not in customer.read(customer.address("plan"))
