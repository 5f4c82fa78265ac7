"""Stripe's events in any order, any number of times, ends in the same place."""

import random

import pytest
from django.utils import timezone

from credits.models import Refund, Wallet
from credits.services.audit import differences
from credits.services.purchases import start_pack_purchase
from tests.credits.shop import bring_to_stripe, make_pack

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_refund_heard_of_before_its_payment_is_not_lost(acme, sandbox):
    pack = make_pack("mau-100", unit="mau", credits="100", price=5000)
    bring_to_stripe()
    purchase = start_pack_purchase(organization=acme, pack=pack, now=timezone.now())
    sandbox.pay(purchase.checkout_session)
    sandbox.refund(purchase.checkout_session, 2000)
    events = [event for event in sandbox.events() if event["type"].startswith(("refund.", "checkout."))]
    sandbox.set_delivery(shuffle=True, seed=1, repeat=3)
    sandbox.deliver()
    assert events
    assert Wallet.objects.state(organization=acme, unit="mau", at=timezone.now()).available == 60
    assert Refund.objects.get().credits == 40
    assert differences() == []


@pytest.mark.parametrize("seed", range(3))
def test_every_event_three_times_in_random_order_is_as_good_as_once(acme, sandbox, seed):
    chance = random.Random(seed)
    packs = [make_pack(f"usd-{price}", credits=str(price), price=price * 100) for price in (5, 20, 50)]
    bring_to_stripe()
    sandbox.set_delivery(shuffle=True, seed=seed, repeat=3)
    paid = 0
    for _ in range(6):
        pack = chance.choice(packs)
        purchase = start_pack_purchase(organization=acme, pack=pack, now=timezone.now())
        if chance.random() < 0.7:
            sandbox.pay(purchase.checkout_session)
            paid += pack.credits
    sandbox.deliver()
    assert Wallet.objects.state(organization=acme, unit="usd", at=timezone.now()).available == paid
    assert differences() == []
