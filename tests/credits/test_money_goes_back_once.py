"""Refunds and disputes of one payment together: never more than was bought, whichever side begins, in any order."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.utils import timezone

from credits.errors import NotRefundable
from credits.models import GiftCard, Refund, Wallet
from credits.services.audit import differences
from credits.services.disputes import follow_dispute
from credits.services.purchases import start_gift_card_purchase
from credits.services.refund_quotes import quote_refund
from credits.services.refunds import refund_purchase
from payments.stripe_objects import StripeDispute
from tests.credits.shop import bring_to_stripe, buy, make_pack

pytestmark = pytest.mark.django_db


@pytest.fixture
def purchase(acme, sandbox):
    """100 credits bought for $50."""
    pack = make_pack("mau-100", unit="mau", credits="100", price=5000)
    bring_to_stripe()
    return buy(acme, pack, sandbox)


def state(acme):
    return Wallet.objects.state(organization=acme, unit="mau", at=timezone.now())


def refund(purchase, stella, amount, **kwargs):
    return refund_purchase(
        purchase=purchase, amount=amount, reason="Asked for it", actor=stella, now=timezone.now(), **kwargs
    )


def dispute(purchase, number, status, amount=5000):
    return StripeDispute(
        id=f"dp_{number}",
        status=status,
        amount=amount,
        currency="usd",
        charge=purchase.charge,
        payment_intent=purchase.payment_intent,
        reason="fraudulent",
        created=timezone.now() - timedelta(days=1),
    )


def test_what_was_refunded_before_a_lost_dispute_is_taken_back_once(acme, purchase, stella, sandbox):
    refund(purchase, stella, 1500)
    sandbox.deliver()
    opened = sandbox.open_dispute(purchase.payment_intent, amount=5000)
    sandbox.deliver()
    sandbox.lose_dispute(opened["id"])
    sandbox.deliver()
    assert (state(acme).available, state(acme).debt) == (0, 0)
    assert differences() == []


def test_what_a_dispute_took_is_not_offered_for_a_refund(purchase, sandbox):
    opened = sandbox.open_dispute(purchase.payment_intent, amount=2000)
    sandbox.deliver()
    sandbox.lose_dispute(opened["id"])
    sandbox.deliver()
    quote = quote_refund(purchase=purchase, now=timezone.now())
    assert (quote.largest.amount, quote.suggested.amount, quote.suggested_credits) == (3000, 3000, 60)


def test_a_payment_that_a_dispute_took_whole_cannot_be_refunded(purchase, sandbox):
    opened = sandbox.open_dispute(purchase.payment_intent)
    sandbox.deliver()
    sandbox.lose_dispute(opened["id"])
    sandbox.deliver()
    with pytest.raises(NotRefundable):
        quote_refund(purchase=purchase, now=timezone.now())
    assert not Refund.objects.exists()


def test_a_grant_stays_frozen_until_its_last_dispute_is_over(acme, purchase):
    expires_at = purchase.grant.expires_at
    first, second = dispute(purchase, 1, "needs_response", 2000), dispute(purchase, 2, "needs_response", 3000)
    for stripe_dispute in (first, second):
        follow_dispute(stripe_dispute=stripe_dispute, now=timezone.now())
    follow_dispute(stripe_dispute=replace(first, status="won"), now=timezone.now())
    assert (state(acme).available, state(acme).frozen) == (0, 100)
    follow_dispute(stripe_dispute=second, now=timezone.now())
    end = timezone.now()
    follow_dispute(stripe_dispute=replace(second, status="won"), now=end)
    assert (state(acme).available, state(acme).frozen) == (100, 0)
    purchase.grant.refresh_from_db()
    assert purchase.grant.expires_at - expires_at == end - first.created


@pytest.fixture
def bought_card(acme, sandbox):
    """A gift card of 100 credits for $50, not redeemed."""
    pack = make_pack("mau-100", unit="mau", credits="100", price=5000)
    bring_to_stripe()
    purchase = start_gift_card_purchase(
        organization=acme, pack=pack, recipient="friend@example.com", now=timezone.now()
    )
    sandbox.pay(purchase.checkout_session)
    sandbox.deliver()
    purchase.refresh_from_db()
    return purchase


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_a_card_stays_void_while_any_of_its_money_is_gone(bought_card, sandbox, order):
    for amount in (2000, 3000):
        sandbox.refund(bought_card.payment_intent, amount)
        sandbox.deliver()
    made = list(Refund.objects.order_by("pk"))
    sandbox.fail_refund(made[order[0]].stripe_refund)
    sandbox.deliver()
    assert GiftCard.objects.get().voided_at is not None
    sandbox.fail_refund(made[order[1]].stripe_refund)
    sandbox.deliver()
    assert GiftCard.objects.get().voided_at is None
