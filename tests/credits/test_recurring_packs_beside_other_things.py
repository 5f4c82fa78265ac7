"""A recurring pack among a customer's other business at Stripe."""

from dataclasses import replace

import pytest
from django.utils import timezone

from credits.models import PackSubscription, Purchase, Wallet
from credits.services.audit import differences
from credits.services.purchases import start_pack_purchase
from credits.services.recurring_packs import follow_pack_subscription
from payments.stripe_objects import StripeSubscription
from tests.credits.shop import bring_to_stripe, make_pack

pytestmark = pytest.mark.django_db


@pytest.fixture
def first(acme, sandbox):
    """1,000 credits a month for $40, the first month paid."""
    pack = make_pack("mau-1000", unit="mau", credits="1000", price=4000, recurring="month")
    bring_to_stripe()
    purchase = start_pack_purchase(organization=acme, pack=pack, now=timezone.now())
    sandbox.pay(purchase.checkout_session)
    sandbox.deliver()
    return purchase


def test_what_else_its_invoice_charges_grants_nothing(acme, first, sandbox):
    stripe = sandbox.client.v1
    customer = stripe.customers.list().data[0].id
    stripe.invoice_items.create({"customer": customer, "amount": 700, "currency": "usd", "description": "Correction"})
    sandbox.advance(days=32)
    sandbox.deliver()
    renewal = Purchase.objects.latest("pk")
    assert (Purchase.objects.count(), renewal.paid_amount) == (2, 4000)
    assert Wallet.objects.state(organization=acme, unit="mau", at=timezone.now()).available == 2000
    assert differences() == []


def test_a_subscription_to_something_else_or_to_nothing_any_more_changes_no_pack(first, sandbox):
    row = PackSubscription.objects.get()
    [data] = sandbox.client.v1.subscriptions.list().data
    view = replace(StripeSubscription.of(data.to_dict()), status="canceled")
    for other in (
        replace(view, metadata={}),
        replace(view, metadata={"purchase": "pur_of_nobody"}),
        replace(view, items=[]),
    ):
        assert follow_pack_subscription(stripe_subscription=other, now=timezone.now()) is None
    row.refresh_from_db()
    assert row.status == "active"
    assert follow_pack_subscription(stripe_subscription=view, now=timezone.now()) == row
    row.refresh_from_db()
    assert (row.status, row.current_period_end) == ("canceled", view.items[0].current_period_end)
