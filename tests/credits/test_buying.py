"""Buying a pack: from the button to the ledger, once, by whichever route is first."""

import re

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts.models import Role
from core.errors import InvalidInput
from credits.errors import NotRefundable
from credits.models import CreditGrant, CreditPack, LedgerEntry, Purchase, Refund, Wallet
from credits.services.fulfilment import end_purchase
from credits.services.payment_sweep import send_unanswered
from credits.services.purchases import refresh_from_checkout, start_gift_card_purchase, start_pack_purchase
from credits.services.refund_quotes import quote_refund
from notifications.models import Event
from payments.errors import NotAtStripe, StripeUnavailable
from payments.reconciliation import reconcile
from tests.credits.shop import bring_to_stripe, make_pack, make_unit
from tests.factories import MembershipFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def pack(sandbox):
    pack = make_pack("usd-20", credits="20", price=2000)
    bring_to_stripe()
    return pack


@pytest.fixture
def usd_open(sandbox):
    open_pack = CreditPack.objects.create(
        code="usd-open", unit=make_unit("usd"), currency="usd", open_minimum=500, open_maximum=50_000
    )
    bring_to_stripe()
    return open_pack


def available(organization, unit="usd"):
    return Wallet.objects.state(organization=organization, unit=unit, at=timezone.now()).available


def begin(acme, pack, **kwargs):
    return start_pack_purchase(organization=acme, pack=pack, now=timezone.now(), **kwargs)


def test_paying_the_checkout_page_grants_the_credits(acme, pack, sandbox):
    purchase = begin(acme, pack)
    sandbox.pay(purchase.checkout_session)
    sandbox.deliver()
    purchase.refresh_from_db()
    assert purchase.status == Purchase.Status.PAID
    assert purchase.paid_amount == 2000
    assert purchase.receipt_url
    session = sandbox.client.v1.checkout.sessions.retrieve(purchase.checkout_session)
    intent = sandbox.client.v1.payment_intents.retrieve(session.payment_intent)
    assert (purchase.invoice, purchase.payment_intent) == (session.invoice, session.payment_intent)
    assert purchase.charge == intent.latest_charge
    assert available(acme) == 20
    [entry] = LedgerEntry.objects.all()
    assert entry.reference == f"checkout:{purchase.checkout_session}"


def test_return_page_webhook_and_reconciliation_grant_once(acme, pack, sandbox):
    purchase = begin(acme, pack)
    sandbox.pay(purchase.checkout_session)
    refresh_from_checkout(purchase=purchase, now=timezone.now())
    sandbox.deliver()
    reconcile(since=timezone.now() - timezone.timedelta(hours=72), now=timezone.now())
    assert available(acme) == 20
    assert LedgerEntry.objects.count() == 1


def test_a_delayed_payment_grants_nothing_until_the_money_is_there(acme, pack, sandbox):
    purchase = begin(acme, pack)
    sandbox.pay(purchase.checkout_session, card="bank_debit")
    sandbox.deliver()
    purchase.refresh_from_db()
    assert purchase.status == Purchase.Status.PROCESSING
    assert not LedgerEntry.objects.exists()
    sandbox.complete_delayed(purchase.checkout_session)
    sandbox.deliver()
    assert available(acme) == 20


def test_a_delayed_payment_that_fails_grants_nothing_and_says_so(acme, pack, sandbox):
    purchase = begin(acme, pack)
    sandbox.pay(purchase.checkout_session, card="bank_debit")
    sandbox.deliver()
    sandbox.fail_delayed(purchase.checkout_session)
    sandbox.deliver()
    purchase.refresh_from_db()
    assert purchase.status == Purchase.Status.FAILED
    assert purchase.failure
    assert not LedgerEntry.objects.exists()


def test_the_button_pressed_twice_is_one_purchase(acme, alice, pack, signed_in):
    browser = signed_in(alice)
    form = {"pack": "usd-20", "attempt": "once"}
    addresses = {browser.post(reverse("credits:buy", args=[acme.public_id]), form).url for _ in range(2)}
    assert len(addresses) == 1
    assert Purchase.objects.count() == 1


def test_another_choice_after_going_back_is_another_purchase(acme, alice, pack, signed_in):
    make_pack("usd-50", credits="50", price=5000)
    bring_to_stripe()
    browser = signed_in(alice)
    for code in ("usd-20", "usd-50"):
        browser.post(reverse("credits:buy", args=[acme.public_id]), {"pack": code, "attempt": "once"})
    assert set(Purchase.objects.values_list("amount", flat=True)) == {2000, 5000}


def test_a_new_price_that_is_not_yet_at_stripe_is_not_sold(acme, pack):
    pack.price = 2500
    pack.save()
    with pytest.raises(NotAtStripe):
        begin(acme, pack)
    with pytest.raises(NotAtStripe):
        start_gift_card_purchase(organization=acme, pack=pack, recipient="friend@example.org", now=timezone.now())
    assert not Purchase.objects.exists()


def test_a_pack_with_a_price_takes_no_other_amount(acme, pack):
    with pytest.raises(InvalidInput, match="fixed price; leave amount out") as refused:
        begin(acme, pack, amount=100)
    assert refused.value.field == "amount"
    assert not Purchase.objects.exists()


def test_what_went_back_before_we_knew_that_it_was_paid_is_taken_back(acme, pack, sandbox, commits):
    purchase = begin(acme, pack)
    sandbox.pay(purchase.checkout_session)
    session = sandbox.client.v1.checkout.sessions.retrieve(purchase.checkout_session)
    sandbox.client.v1.refunds.create({"payment_intent": session.payment_intent, "amount": 500})
    with commits():
        refresh_from_checkout(purchase=purchase, now=timezone.now())
    assert available(acme) == 15
    assert Refund.objects.get().amount == 500


def test_who_comes_back_after_all_is_done_or_before_it_began_needs_no_stripe(acme, pack, sandbox):
    paid = begin(acme, pack)
    sandbox.pay(paid.checkout_session)
    sandbox.deliver()
    paid.refresh_from_db()
    sandbox.fault("down", times=20)
    with pytest.raises(StripeUnavailable):
        begin(acme, pack)
    begun = Purchase.objects.get(status=Purchase.Status.STARTED)
    for purchase in (paid, begun):
        status = purchase.status
        assert refresh_from_checkout(purchase=purchase, now=timezone.now()).status == status


def test_news_of_a_purchase_that_has_ended_changes_nothing(acme, pack, sandbox):
    purchase = begin(acme, pack)
    for status in (Purchase.Status.FAILED, Purchase.Status.CANCELLED):
        ended = end_purchase(purchase=purchase, status=status, failure="No money" * 99, now=timezone.now())
        assert (ended, ended.status, ended.failure) == (purchase, Purchase.Status.FAILED, ("No money" * 99)[:500])
    assert Event.objects.filter(type="purchase.failed").count() == 1


def test_a_promotion_code_may_take_off_everything(acme, pack, sandbox, settings):
    settings.STRIPE_PROMOTION_CODES = True
    coupon = sandbox.client.v1.coupons.create({"percent_off": 100, "duration": "once"})
    sandbox.client.v1.promotion_codes.create({"promotion": {"type": "coupon", "coupon": coupon.id}, "code": "FREE"})
    purchase = begin(acme, pack)
    sandbox.pay(purchase.checkout_session, promotion_code="FREE")
    sandbox.deliver()
    purchase.refresh_from_db()
    assert (purchase.status, purchase.paid_amount) == (Purchase.Status.PAID, 0)
    assert available(acme) == 20
    assert not CreditGrant.objects.get().is_paid
    with pytest.raises(NotRefundable):
        quote_refund(purchase=purchase, now=timezone.now())


def test_a_purchase_that_stripe_never_heard_of_is_given_up_after_a_day(acme, pack, sandbox):
    sandbox.fault("down", times=100)
    with pytest.raises(StripeUnavailable):
        begin(acme, pack)
    sandbox.clear_faults()
    send_unanswered(now=timezone.now() + timezone.timedelta(hours=22))
    assert Purchase.objects.get().status == Purchase.Status.STARTED
    send_unanswered(now=timezone.now() + timezone.timedelta(hours=24))
    assert Purchase.objects.get().status == Purchase.Status.CANCELLED


def test_with_stripe_down_the_purchase_waits_and_can_go_on(acme, alice, pack, sandbox, signed_in):
    sandbox.fault("down", times=100)
    browser = signed_in(alice)
    page = browser.post(reverse("credits:buy", args=[acme.public_id]), {"pack": "usd-20", "attempt": "x"}, follow=True)
    assert "nothing" in page.content.decode().lower()
    sandbox.clear_faults()
    [purchase] = Purchase.objects.all()
    assert purchase.status == Purchase.Status.STARTED
    answer = browser.post(reverse("credits:purchase_try_again", args=[acme.public_id, purchase.public_id]))
    assert answer.url.startswith(sandbox.url)
    assert Purchase.objects.count() == 1


def form_of(page, pack):
    """What the button of this pack sends."""
    [form] = re.findall(rf'<form(?:(?!</form>).)*name="pack" value="{pack}".*?</form>', page, flags=re.DOTALL)
    return dict(re.findall(r'name="(pack|attempt|amount)" value="([^"]*)"', form))


@pytest.mark.parametrize("is_open", [False, True])
def test_the_button_pressed_again_after_a_failure_goes_on_with_the_first_purchase(
    acme, alice, usd_open, pack, sandbox, signed_in, is_open
):
    browser, address = signed_in(alice), reverse("credits:buy", args=[acme.public_id])
    code = "usd-open" if is_open else "usd-20"
    form = form_of(browser.get(address).content.decode(), code) | ({"amount": "12.50"} if is_open else {})
    sandbox.fault("down", times=100)
    for _ in range(3):
        form = form_of(browser.post(address, form).content.decode(), code)
    assert Purchase.objects.count() == 1
    sandbox.clear_faults()
    answer = browser.post(address, form)
    [purchase] = Purchase.objects.all()
    assert (purchase.amount, answer.url) == (1250 if is_open else 2000, purchase.checkout_url)


def test_another_organizations_purchase_is_not_found(acme, charlie, globex, pack, signed_in):
    purchase = begin(acme, pack)
    page = signed_in(charlie).get(reverse("credits:purchase", args=[globex.public_id, purchase.public_id]))
    assert page.status_code == 404


def test_a_billing_admin_buys_as_an_owner_does(acme, charlie, pack, signed_in, sandbox):
    MembershipFactory(organization=acme, user=charlie, role=Role.BILLING_ADMIN)
    browser, address = signed_in(charlie), reverse("credits:buy", args=[acme.public_id])
    assert "usd-20" in browser.get(address).content.decode()
    answer = browser.post(address, {"pack": "usd-20", "attempt": "once"})
    [purchase] = Purchase.objects.all()
    assert (answer.status_code, answer.url) == (302, purchase.checkout_url)
    assert purchase.buyer == charlie
    sandbox.pay(purchase.checkout_session)
    sandbox.deliver()
    assert available(acme) == 20
    assert LedgerEntry.objects.get().actor == charlie


def test_a_member_who_may_not_buy_is_told_whom_to_ask(acme, bob, pack, signed_in):
    page = signed_in(bob).post(reverse("credits:buy", args=[acme.public_id]), {"pack": "usd-20"})
    assert page.status_code == 403
    assert not Purchase.objects.exists()
