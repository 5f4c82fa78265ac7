"""When an automatic top-up must not charge, and when it must not give up."""

import pytest
from django.utils import timezone

from credits.models import AutoTopUp, Purchase, Wallet
from credits.services.payment_sweep import send_unanswered
from credits.services.spending import spend
from credits.services.top_ups import set_auto_top_up, top_up_if_low
from notifications.models import Event
from tests.credits.shop import bring_to_stripe, buy, make_pack

pytestmark = pytest.mark.django_db


@pytest.fixture
def low_wallet(acme, sandbox):
    """1 credit left of the 20 bought, with a standing order for 20 at 5 or less and a saved card."""
    pack = make_pack("usd-20", credits="20", price=2000)
    bring_to_stripe()
    buy(acme, pack, sandbox)
    now = timezone.now()
    set_auto_top_up(organization=acme, pack=pack, threshold="5", monthly_cap=9000, now=now)
    spend(organization=acme, unit="usd", amount="19", reference="use", at=now, now=now)
    return Wallet.objects.select_related("organization").get()


def top_ups():
    return Purchase.objects.filter(kind=Purchase.Kind.TOP_UP)


def test_a_suspended_organization_is_not_charged_until_it_is_restored(acme, low_wallet):
    type(acme).objects.filter(pk=acme.pk).update(suspended_at=timezone.now())
    assert top_up_if_low(wallet=low_wallet, now=timezone.now()) is None
    assert (top_ups().count(), AutoTopUp.objects.get().enabled) == (0, True)
    type(acme).objects.filter(pk=acme.pk).update(suspended_at=None)
    assert top_up_if_low(wallet=low_wallet, now=timezone.now()).status == Purchase.Status.PAID


def test_a_charge_that_stripe_refuses_switches_it_off_and_tells_the_owner(low_wallet, sandbox):
    sandbox.fault("error", status=400, path="/v1/payment_intents", method="POST")
    assert top_up_if_low(wallet=low_wallet, now=timezone.now()).status == Purchase.Status.FAILED
    assert not AutoTopUp.objects.get().enabled
    assert Event.objects.filter(type="top_up.switched_off").count() == 1


def test_another_card_after_a_lost_answer_charges_nothing_twice(acme, low_wallet, sandbox):
    sandbox.fault("lost", path="/v1/payment_intents", method="POST")
    with pytest.raises(Exception, match="not answering"):
        top_up_if_low(wallet=low_wallet, now=timezone.now())
    stripe = sandbox.client.v1
    customer = stripe.customers.list().data[0].id
    method = stripe.payment_methods.attach("pm_card_mastercard", {"customer": customer})
    stripe.customers.update(customer, {"invoice_settings": {"default_payment_method": method.id}})
    send_unanswered(now=timezone.now() + timezone.timedelta(minutes=5))
    sandbox.deliver()
    assert top_ups().get().status == Purchase.Status.PAID
    assert AutoTopUp.objects.get().enabled
    assert Wallet.objects.state(organization=acme, unit="usd", at=timezone.now()).available == 21
    assert len(stripe.payment_intents.list().data) == 2
