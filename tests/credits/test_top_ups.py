"""Automatic top-up: one at a time, within its cap, off after a decline. Alerts: each once per top-up."""

import pytest
from django.utils import timezone

from core.errors import InvalidInput
from credits.low_balance_alerts import set_threshold
from credits.models import AutoTopUp, Purchase, Wallet, WalletAlert
from credits.services.holds import capture_hold, open_hold
from credits.services.payment_sweep import send_unanswered, top_up_low_wallets
from credits.services.spending import spend
from credits.services.top_ups import set_auto_top_up, top_up_if_low
from notifications.models import Event
from payments.errors import StripeUnavailable
from tests.credits.shop import bring_to_stripe, buy, make_pack

pytestmark = pytest.mark.django_db


@pytest.fixture
def pack(sandbox):
    pack = make_pack("usd-20", credits="20", price=2000)
    bring_to_stripe()
    return pack


@pytest.fixture
def wallet(acme, pack, sandbox):
    """$20 bought once, so that a card is saved; topped up by 20 at 5 or less, at most $40 a month."""
    buy(acme, pack, sandbox)
    set_auto_top_up(organization=acme, pack=pack, threshold="5", monthly_cap=4000, now=timezone.now())
    return Wallet.objects.select_related("organization").get()


def use(acme, amount, reference):
    now = timezone.now()
    spend(organization=acme, unit="usd", amount=amount, reference=reference, at=now, now=now)


def available(acme):
    return Wallet.objects.state(organization=acme, unit="usd", at=timezone.now()).available


def test_above_the_threshold_nothing_is_bought(acme, wallet):
    use(acme, "14", "a")
    assert top_up_if_low(wallet=wallet, now=timezone.now()) is None


def test_at_the_threshold_the_pack_is_bought_with_the_saved_card(acme, wallet, sandbox):
    use(acme, "15", "a")
    bought = top_up_if_low(wallet=wallet, now=timezone.now())
    sandbox.deliver()
    assert bought.status == Purchase.Status.PAID
    assert available(acme) == 25
    assert top_up_if_low(wallet=wallet, now=timezone.now()) is None


def test_the_monthly_cap_holds(acme, wallet):
    for step in range(4):
        use(acme, available(acme), f"use:{step}")
        top_up_if_low(wallet=wallet, now=timezone.now())
        if not available(acme):
            break
    assert Purchase.objects.filter(kind=Purchase.Kind.TOP_UP).count() == 2


def test_with_stripe_down_the_attempt_stays_open_and_there_is_no_second(acme, wallet, sandbox):
    use(acme, "16", "a")
    sandbox.fault("down", times=20)
    with pytest.raises(Exception, match="not answering"):
        top_up_if_low(wallet=wallet, now=timezone.now())
    assert top_up_if_low(wallet=wallet, now=timezone.now()) is None
    sandbox.clear_faults()
    send_unanswered(now=timezone.now() + timezone.timedelta(minutes=5))
    assert available(acme) == 24
    assert Purchase.objects.filter(kind=Purchase.Kind.TOP_UP).count() == 1


@pytest.mark.parametrize("card", ["4000000000000341", "4000002760003184"])
def test_a_decline_switches_it_off_and_tells_the_owner_once(acme, pack, sandbox, card):
    sandbox_purchase = buy_with(acme, pack, sandbox, card)
    assert sandbox_purchase is not None
    set_auto_top_up(organization=acme, pack=pack, threshold="5", monthly_cap=9000, now=timezone.now())
    wallet = Wallet.objects.select_related("organization").get()
    use(acme, available(acme) - 1, "a")
    assert top_up_if_low(wallet=wallet, now=timezone.now()).status == Purchase.Status.FAILED
    sandbox.deliver()
    assert not AutoTopUp.objects.get().enabled
    assert Event.objects.filter(type="top_up.switched_off").count() == 1
    assert top_up_if_low(wallet=wallet, now=timezone.now()) is None


def buy_with(acme, pack, sandbox, card):
    """A wallet with credits, and a saved card that will be refused."""
    bought = buy(acme, pack, sandbox)
    customer = sandbox.client.v1.customers.list().data[0].id
    token = {"4000000000000341": "pm_card_chargeCustomerFail", "4000002760003184": "pm_card_authenticationRequired"}[
        card
    ]
    method = sandbox.client.v1.payment_methods.attach(token, {"customer": customer})
    sandbox.client.v1.customers.update(customer, {"invoice_settings": {"default_payment_method": method.id}})
    return bought


def test_a_decline_that_only_the_webhook_tells_of_switches_it_off_too(acme, pack, sandbox):
    buy_with(acme, pack, sandbox, "4000000000000341")
    set_auto_top_up(organization=acme, pack=pack, threshold="5", monthly_cap=9000, now=timezone.now())
    use(acme, "16", "a")
    sandbox.fault("lost", path="/v1/payment_intents", times=5)
    with pytest.raises(StripeUnavailable):
        top_up_if_low(wallet=Wallet.objects.get(), now=timezone.now())
    sandbox.clear_faults()
    sandbox.deliver()
    assert not AutoTopUp.objects.get().enabled
    assert Purchase.objects.get(kind=Purchase.Kind.TOP_UP).status == Purchase.Status.FAILED
    assert Event.objects.filter(type="top_up.switched_off").count() == 1


@pytest.mark.django_db(transaction=True)
def test_debt_that_eats_a_top_up_asks_for_the_next_within_the_cap(acme, pack, sandbox):
    buy(acme, pack, sandbox)
    set_auto_top_up(organization=acme, pack=pack, threshold="5", monthly_cap=5000, now=timezone.now())
    now = timezone.now()
    hold = open_hold(organization=acme, unit="usd", amount="20", reference="job", now=now)
    capture_hold(hold=hold, amount="38", now=now)
    assert Purchase.objects.filter(kind=Purchase.Kind.TOP_UP, status=Purchase.Status.PAID).count() == 2
    assert available(acme) == 22


def test_a_standing_order_that_nobody_asked_is_found_by_the_sweep(acme, wallet):
    use(acme, "16", "a")
    assert top_up_low_wallets(now=timezone.now()) == 1
    assert available(acme) == 24
    assert top_up_low_wallets(now=timezone.now()) == 0


def test_a_threshold_below_nothing_is_refused(acme, wallet):
    with pytest.raises(InvalidInput, match="zero or more"):
        set_threshold(wallet=wallet, threshold="-1", now=timezone.now())
    assert WalletAlert.objects.get().threshold is None


def alerts(acme):
    return list(
        Event.objects.filter(organization=acme, type__in=["credits.low", "credits.exhausted"])
        .order_by("id")
        .values_list("type", flat=True)
    )


@pytest.mark.django_db(transaction=True)
def test_each_alert_is_said_once_per_top_up(acme, pack, sandbox):
    buy(acme, pack, sandbox)
    for step, amount in enumerate(["12", "4", "3", "1"]):
        use(acme, amount, f"use:{step}")
    assert alerts(acme) == ["credits.low", "credits.exhausted"]
    buy(acme, pack, sandbox)
    use(acme, "19", "again")
    assert alerts(acme) == ["credits.low", "credits.exhausted", "credits.low"]
