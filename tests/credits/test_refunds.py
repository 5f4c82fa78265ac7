"""Refunds: the unspent share by default, never more than paid, never twice, whichever side begins."""

import re
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from django.contrib.admin.models import LogEntry
from django.urls import reverse
from django.utils import timezone

from credits.errors import NotRefundable, RefundFailed
from credits.models import LedgerEntry, Refund, Wallet
from credits.services.audit import differences
from credits.services.payment_sweep import send_unanswered
from credits.services.refund_quotes import quote_refund
from credits.services.refunds import follow_refund, refund_purchase, send_refund
from credits.services.spending import spend
from payments import gateway
from payments.errors import StripeKeyReused, StripeRefused, StripeUnavailable
from payments.stripe_objects import StripeRefund
from tests.credits.shop import bring_to_stripe, buy, make_pack

pytestmark = pytest.mark.django_db


@pytest.fixture
def purchase(acme, sandbox):
    """100 credits bought for $50, 40 of them used."""
    pack = make_pack("mau-100", unit="mau", credits="100", price=5000)
    bring_to_stripe()
    purchase = buy(acme, pack, sandbox)
    spend(organization=acme, unit="mau", amount="40", reference="use:1", at=timezone.now(), now=timezone.now())
    return purchase


def state(acme):
    return Wallet.objects.state(organization=acme, unit="mau", at=timezone.now())


def refund(purchase, stella, amount, **kwargs):
    return refund_purchase(
        purchase=purchase, amount=amount, reason="Asked for it", actor=stella, now=timezone.now(), **kwargs
    )


def test_the_offer_is_the_unspent_share(purchase):
    quote = quote_refund(purchase=purchase, now=timezone.now())
    assert (quote.suggested.amount, quote.suggested_credits) == (3000, Decimal(60))


def test_a_refund_takes_the_unspent_credits(acme, purchase, stella, sandbox):
    made = refund(purchase, stella, 3000)
    sandbox.deliver()
    made.refresh_from_db()
    assert made.status == Refund.Status.SUCCEEDED
    assert (state(acme).available, state(acme).debt) == (0, 0)
    assert differences() == []


def test_a_double_click_refunds_once(purchase, stella, sandbox):
    assert refund(purchase, stella, 3000, attempt="a") == refund(purchase, stella, 3000, attempt="a")
    assert len(sandbox.client.v1.refunds.list().data) == 1


def test_more_than_the_unspent_share_needs_to_be_meant(acme, purchase, stella, sandbox):
    entries = LedgerEntry.objects.count()
    with pytest.raises(Exception, match=r"\$30\.00"):
        refund(purchase, stella, 3001)
    assert LedgerEntry.objects.count() == entries
    refund(purchase, stella, 5000, beyond_unspent=True)
    assert state(acme).debt == 40


def test_what_is_forgiven_is_not_owed(acme, purchase, stella, sandbox):
    refund(purchase, stella, 5000, beyond_unspent=True, forgive=True)
    assert (state(acme).available, state(acme).debt) == (0, 0)


@pytest.mark.parametrize("parts", [(500, 1500, 3000), (3000, 500, 1500), (1500, 3000, 500)])
def test_refunds_in_parts_add_up_in_any_order(acme, purchase, stella, sandbox, parts):
    for part in parts:
        refund(purchase, stella, part, beyond_unspent=True)
    sandbox.deliver()
    assert (state(acme).available, state(acme).debt) == (0, 40)
    with pytest.raises(NotRefundable):
        refund(purchase, stella, 1, beyond_unspent=True)


def test_a_refund_made_at_stripe_arrives_the_same_way_once(acme, purchase, sandbox):
    sandbox.refund(purchase.payment_intent, 3000)
    sandbox.deliver()
    sandbox.redeliver()
    sandbox.deliver()
    assert state(acme).available == 0
    assert Refund.objects.get().credits == 60


def test_a_failed_refund_puts_the_credits_back(acme, purchase, stella, sandbox):
    made = refund(purchase, stella, 3000)
    sandbox.deliver()
    sandbox.fail_refund(Refund.objects.get().stripe_refund)
    sandbox.deliver()
    made.refresh_from_db()
    assert (made.status, made.failure) == (Refund.Status.FAILED, "expired_or_canceled_card")
    assert state(acme).available == 60
    assert differences() == []
    assert quote_refund(purchase=purchase, now=timezone.now()).suggested.amount == 3000


def test_late_news_of_a_failed_refund_changes_nothing_more(acme, purchase, stella, sandbox):
    made = refund(purchase, stella, 3000)
    sandbox.fail_refund(made.stripe_refund)
    failed = StripeRefund.of(gateway.refunds.retrieve(refund=made.stripe_refund))
    assert [follow_refund(stripe_refund=failed, now=timezone.now()) for _ in range(2)] == [made, made]
    assert state(acme).available == 60


def test_a_refund_whose_first_try_got_through_in_other_words_is_followed_not_undone(acme, purchase, stella, sandbox):
    sandbox.fault("down", times=20)
    with pytest.raises(StripeUnavailable):
        refund(purchase, stella, 3000)
    sandbox.clear_faults()
    begun = Refund.objects.get()
    sandbox.client.v1.refunds.create(
        {"payment_intent": purchase.payment_intent, "amount": 3000, "metadata": {"refund": begun.public_id}},
        {"idempotency_key": begun.public_id},
    )
    with pytest.raises(StripeKeyReused):
        send_refund(refund=begun, now=timezone.now())
    begun.refresh_from_db()
    assert (begun.status, state(acme).available) == (Refund.Status.STARTED, 0)
    send_unanswered(now=timezone.now() + timedelta(minutes=3))
    begun.refresh_from_db()
    assert (begun.status, state(acme).available) == (Refund.Status.SUCCEEDED, 0)
    assert len(sandbox.client.v1.refunds.list().data) == 1


@pytest.mark.parametrize(("waited", "sent"), [(timedelta(minutes=2), 0), (timedelta(minutes=2, microseconds=1), 1)])
def test_for_two_minutes_a_refund_is_in_the_hands_of_who_began_it(purchase, stella, sandbox, waited, sent):
    sandbox.fault("down", times=20)
    with pytest.raises(StripeUnavailable):
        refund(purchase, stella, 3000)
    sandbox.clear_faults()
    assert send_unanswered(now=Refund.objects.get().created_at + waited) == sent
    assert len(sandbox.client.v1.refunds.list().data) == sent


def test_long_reasons_are_cut_where_they_no_longer_fit(acme, purchase, stella, sandbox):
    reason = "y" * 500
    made = refund_purchase(purchase=purchase, amount=3000, reason=reason, actor=stella, now=timezone.now())
    sandbox.fail_refund(made.stripe_refund)
    failed = StripeRefund.of(gateway.refunds.retrieve(refund=made.stripe_refund))
    follow_refund(stripe_refund=replace(failed, failure_reason="x" * 501), now=timezone.now())
    made.refresh_from_db()
    assert (made.reason, made.failure) == (reason, "x" * 500)
    posted = LedgerEntry.objects.order_by("-sequence").values_list("reason", flat=True)[:2]
    assert list(posted) == [f"Refund of $30.00 failed: {made.failure}"[:500], f"Refund of $30.00: {reason}"[:500]]
    assert state(acme).available == 60


def test_with_stripe_down_the_refund_is_sent_later(acme, purchase, stella, sandbox):
    sandbox.fault("down", times=20)
    with pytest.raises(Exception, match="not answering"):
        refund(purchase, stella, 3000)
    assert Refund.objects.get().status == Refund.Status.STARTED
    sandbox.clear_faults()
    assert send_unanswered(now=timezone.now() + timedelta(minutes=5)) == 1
    assert len(sandbox.client.v1.refunds.list().data) == 1


def test_the_admin_asks_twice_and_sends_once(purchase, stella, sandbox, signed_in):
    browser, url = signed_in(stella), reverse("admin:credits_purchase_refund", args=[purchase.pk])
    assert "$30.00 / 60" in browser.get(url).content.decode()
    form = {"amount": "30.00", "reason": "Bug", "attempt": "x"}
    assert "Send $30.00 back?" in browser.post(url, form).content.decode()
    assert not Refund.objects.exists()
    for _ in range(2):
        browser.post(url, form | {"send": "1"})
    assert Refund.objects.count() == 1


class RefundPage:
    """The admin's page about one purchase, used as staff use it: every form is sent with the attempt it shows."""

    def __init__(self, browser, purchase):
        self.browser = browser
        self.url = reverse("admin:credits_purchase_refund", args=[purchase.pk])
        self.said = ""
        self._show(browser.get(self.url))

    def send(self, amount, *, attempt=None, **more):
        form = {"amount": amount, "reason": "Bug", "attempt": attempt or self.attempt, "send": "1"} | more
        self._show(self.browser.post(self.url, form, follow=True))

    def _show(self, answer):
        page = answer.content.decode()
        self.said = [(told.level_tag, told.message) for told in answer.context["messages"]]
        self.errors = answer.context["form"].errors if "form" in answer.context else {}
        self.attempt = (re.findall(r'name="attempt" value="([^"]+)"', page) or [""])[0]


@pytest.fixture
def refund_page(purchase, stella, signed_in):
    return RefundPage(signed_in(stella), purchase)


def logged(purchase):
    return list(
        LogEntry.objects.filter(object_id=str(purchase.pk)).order_by("pk").values_list("change_message", flat=True)
    )


def test_after_a_refusal_the_corrected_refund_is_a_new_one(acme, purchase, refund_page, sandbox):
    sandbox.fault("error", status=400, path="/v1/refunds", method="POST")
    first = refund_page.attempt
    refund_page.send("30.00")
    assert refund_page.errors
    assert (refund_page.said, logged(purchase)) == ([], [])
    assert refund_page.attempt not in ("", first)
    refund_page.send("20.00")
    assert refund_page.said == [("success", "Refund of $20.00: done.")]
    assert logged(purchase) == ["Refunded $20.00: Bug"]
    amounts = Refund.objects.order_by("pk").values_list("amount", "status")
    assert list(amounts) == [(3000, Refund.Status.FAILED), (2000, Refund.Status.SUCCEEDED)]
    assert state(acme).available == 20
    assert differences() == []


def test_a_failed_refund_is_never_reported_as_done(acme, purchase, refund_page, stella, sandbox):
    sandbox.fault("error", status=400, path="/v1/refunds", method="POST")
    first = refund_page.attempt
    refund_page.send("30.00")
    entries = LedgerEntry.objects.count()
    refund_page.send("30.00", attempt=first)
    assert refund_page.errors
    assert (refund_page.said, logged(purchase)) == ([], [])
    with pytest.raises(RefundFailed):
        refund(purchase, stella, 3000, attempt=first)
    assert (Refund.objects.count(), LedgerEntry.objects.count()) == (1, entries)
    assert state(acme).available == 60


def test_another_amount_sent_from_the_same_form_is_refused(acme, purchase, refund_page):
    first = refund_page.attempt
    refund_page.send("10.00")
    refund_page.send("20.00", attempt=first)
    assert "$10.00" in str(refund_page.errors)
    assert refund_page.said == []
    assert refund_page.attempt not in ("", first)
    assert Refund.objects.get().amount == 1000
    assert state(acme).available == 40


def test_a_repeat_after_all_went_back_shows_the_refund(purchase, refund_page):
    first = refund_page.attempt
    refund_page.send("50.00", beyond_unspent="on")
    told = refund_page.said
    assert told == [("success", "Refund of $50.00: done.")]
    refund_page.send("50.00", beyond_unspent="on", attempt=first)
    assert refund_page.said == told
    assert Refund.objects.count() == 1


def test_with_stripe_down_staff_are_told_that_nothing_has_to_be_done(purchase, refund_page, sandbox):
    sandbox.fault("down", times=20)
    refund_page.send("30.00")
    [(level, told)] = refund_page.said
    assert level == "warning"
    assert "Refund of $30.00" in told
    assert "nothing to do" in told
    assert "try again" not in told
    assert logged(purchase) == ["Refund of $30.00 begun: Bug"]


@pytest.mark.parametrize(
    ("asked", "highest"), [({"amount": "30.01"}, "$30.00"), ({"amount": "50.01", "beyond_unspent": "on"}, "$50.00")]
)
def test_the_limit_is_one_and_the_same_before_sending_and_at_it(purchase, stella, signed_in, asked, highest):
    browser, url = signed_in(stella), reverse("admin:credits_purchase_refund", args=[purchase.pk])
    form = asked | {"reason": "Bug", "attempt": "x"}
    for more in ({}, {"send": "1"}):
        page = browser.post(url, form | more).content.decode()
        assert f"At most {highest} can be refunded, and more than nothing." in page
        assert "back?" not in page
    assert not Refund.objects.exists()


def test_staff_without_the_permission_refund_nothing(purchase, sven, signed_in):
    url = reverse("admin:credits_purchase_refund", args=[purchase.pk])
    assert signed_in(sven).post(url, {"amount": "30", "reason": "x", "attempt": "x", "send": "1"}).status_code == 403
    assert not Refund.objects.exists()


def test_a_dispute_freezes_and_winning_gives_back_exactly(acme, purchase, sandbox):
    dispute = sandbox.open_dispute(purchase.payment_intent)
    sandbox.deliver()
    assert (state(acme).available, state(acme).frozen) == (0, 60)
    sandbox.win_dispute(dispute["id"])
    sandbox.deliver()
    assert (state(acme).available, state(acme).frozen, state(acme).debt) == (60, 0, 0)


def test_a_lost_dispute_takes_all_and_the_spent_part_is_owed(acme, purchase, sandbox):
    dispute = sandbox.open_dispute(purchase.payment_intent)
    sandbox.deliver()
    sandbox.lose_dispute(dispute["id"])
    sandbox.deliver()
    assert (state(acme).available, state(acme).frozen, state(acme).debt) == (0, 0, 40)
    assert differences() == []


def test_what_stripe_refuses_changes_nothing_but_says_so(acme, purchase, stella, sandbox):
    sandbox.fault("error", status=400, path="/v1/refunds", method="POST")
    with pytest.raises(StripeRefused):
        refund(purchase, stella, 3000)
    [made] = Refund.objects.all()
    assert (made.status, made.stripe_refund) == (Refund.Status.FAILED, None)
    assert made.failure
    assert (state(acme).available, state(acme).debt) == (60, 0)
    kinds = LedgerEntry.objects.order_by("sequence").values_list("kind", "amount")
    assert list(kinds)[2:] == [("take_back", -60), ("reinstate", 60)]
    assert quote_refund(purchase=purchase, now=timezone.now()).suggested.amount == 3000
    assert sandbox.client.v1.refunds.list().data == []
    assert differences() == []


def test_a_refused_refund_of_more_than_was_left_takes_its_debt_back_too(acme, purchase, stella, sandbox):
    sandbox.fault("error", status=400, path="/v1/refunds", method="POST")
    with pytest.raises(StripeRefused):
        refund(purchase, stella, 5000, beyond_unspent=True)
    assert (state(acme).available, state(acme).debt, state(acme).balance) == (60, 0, 60)
    assert differences() == []


def test_while_the_bank_decides_staff_send_nothing_back(acme, purchase, stella, sandbox):
    opened = sandbox.open_dispute(purchase.payment_intent, amount=1000)
    sandbox.deliver()
    entries = LedgerEntry.objects.count()
    for beyond in (False, True):
        with pytest.raises(NotRefundable, match="disputed"):
            refund(purchase, stella, 1, beyond_unspent=beyond)
    assert (LedgerEntry.objects.count(), Refund.objects.count(), state(acme).frozen) == (entries, 0, 60)
    assert sandbox.client.v1.refunds.list().data == []
    sandbox.win_dispute(opened["id"])
    sandbox.deliver()
    assert refund(purchase, stella, 3000).credits == 60
    assert (state(acme).available, state(acme).frozen) == (0, 0)


@pytest.fixture
def odd_purchase(acme, sandbox):
    """One credit bought for $3.07."""
    pack = make_pack("mau-1", unit="mau", credits="1", price=307)
    bring_to_stripe()
    return buy(acme, pack, sandbox)


@pytest.mark.parametrize(
    ("used", "cents"), [("0.000001", 306), ("0.003257", 306), ("0.003258", 305), ("0.5", 153), ("0.999999", 0)]
)
def test_a_fraction_of_a_cent_stays_with_us(acme, odd_purchase, used, cents):
    now = timezone.now()
    spend(organization=acme, unit="mau", amount=used, reference="use", at=now, now=now)
    assert quote_refund(purchase=odd_purchase, now=now).suggested.amount == cents


@pytest.mark.parametrize("parts", [(1, 2, 304), (304, 2, 1)])
def test_a_fraction_of_a_credit_stays_with_the_customer_until_all_is_back(acme, odd_purchase, stella, parts):
    """1 of 307 cents are 0.00325732… credits, 3 are 0.00977198…, 304 are 0.99022801…, 306 are 0.99674267…"""
    totals = {1: "0.003257", 3: "0.009771", 304: "0.990228", 306: "0.996742", 307: "1"}
    sent = 0
    for part in parts:
        refund(odd_purchase, stella, part)
        sent += part
        assert state(acme).available == 1 - Decimal(totals[sent])
    assert sum(made.credits for made in Refund.objects.all()) == 1
    assert differences() == []


def test_money_that_is_worth_no_whole_step_takes_no_credits(acme, stella, sandbox):
    """A cent of $50,000 for one credit is a fifth of a millionth."""
    pack = make_pack("mau-gold", unit="mau", credits="1", price=5_000_000)
    bring_to_stripe()
    made = refund(buy(acme, pack, sandbox), stella, 1)
    assert (made.status, made.credits, state(acme).available) == (Refund.Status.SUCCEEDED, 0, 1)
