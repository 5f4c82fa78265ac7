"""Scenario 17: Stripe says everything three times, in any order; balances, plans and emails are as with once."""

from datetime import timedelta

import pytest

from credits.models import LedgerEntry, Wallet
from notifications.models import SentEmail
from payments.catalogue_file import load
from plans.models import Subscription, TermsPeriod

pytestmark = pytest.mark.django_db

PACK = '[[packs]]\ncode = "usd-20"\nunit = "usd"\ncredits = "20"\nprice = 2000\ncurrency = "usd"\n'


@pytest.mark.parametrize(
    "delivery", [{}, {"repeat": 3, "shuffle": True, "seed": 5}, {"repeat": 3, "shuffle": True, "seed": 6}]
)
def test_balances_plans_and_emails_are_the_same(stage, customer, backend, delivery) -> None:
    load(text=PACK, now=stage.now)
    stage.sync_catalogue()
    stage.sandbox.set_delivery(**delivery)
    customer.subscribe("pro")
    bought = backend.client.post(
        "/billing/checkout", {"organization": stage.organization.public_id, "pack": "usd-20"}
    ).json()
    stage.sandbox.pay(bought["url"].rsplit("/", 1)[-1].partition("#")[0])
    stage.deliver()
    stage.use_card("pm_card_chargeCustomerFail")
    stage.travel(to=stage.base.current_period_end)
    stage.deliver()
    stage.travel(days=3)
    stage.deliver()
    stage.sandbox.redeliver()
    stage.deliver()

    state = Wallet.objects.state(organization=stage.organization, unit="usd", at=stage.now)
    assert (state.balance, LedgerEntry.objects.count()) == (20, 1)
    assert (stage.terms.plan, Subscription.objects.count(), TermsPeriod.objects.count()) == ("pro", 1, 1)
    subjects = sorted(SentEmail.objects.filter(to="billing@acme.example").values_list("event__type", flat=True))
    assert subjects == ["payment.reminder", "purchase.receipt"]
    assert stage.now - stage.base.current_period_start == timedelta(days=3)
