"""Gift cards: worth credits once, whoever comes first."""

import re
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from core.errors import InvalidInput
from credits.errors import NotRefundable
from credits.models import CreditGrant, GiftCard, LedgerEntry, Purchase, Wallet
from credits.services.gift_cards import (
    GiftCardInvalid,
    GiftCardUsed,
    issue_gift_cards,
    redeem_gift_card,
    void_gift_card,
)
from credits.services.refund_quotes import quote_refund
from credits.services.refunds import refund_purchase
from notifications.models import SentEmail
from notifications.services.emails import deliver_email
from tests.credits.shop import bring_to_stripe, make_pack, make_unit

pytestmark = pytest.mark.django_db


@pytest.fixture
def card(now):
    [issued] = issue_gift_cards(name="Compensation for a bug", unit=make_unit("mau"), amount="100", now=now)
    return issued


def redeem(organization, code, now, **kwargs):
    return redeem_gift_card(organization=organization, code=code, tried_by="user:1", now=now, **kwargs)


def test_a_card_becomes_one_grant(acme, card, now):
    grant = redeem(acme, card.code, now)
    assert grant.amount == 100
    assert Wallet.objects.state(organization=acme, unit="mau", at=now).available == 100
    card.card.refresh_from_db()
    assert card.card.redeemed_by == acme


def test_a_code_is_understood_however_it_is_typed(acme, card, now):
    assert redeem(acme, f"  {card.code.lower().replace('-', ' ')} ", now).amount == 100


def test_the_code_is_stored_nowhere(card):
    stored = GiftCard.objects.values().get()
    assert card.code not in str(stored)
    assert stored["last_four"] == card.code[-4:]


@pytest.mark.parametrize("spoil", ["used", "void", "expired", "unknown"])
def test_every_bad_code_gets_one_answer_and_moves_nothing(acme, globex, now, spoil):
    [issued] = issue_gift_cards(
        name="Hello", unit=make_unit("mau"), amount="5", expires_at=now + timedelta(days=1), now=now
    )
    code, at = issued.code, now
    if spoil == "used":
        redeem(globex, code, now)
    elif spoil == "void":
        void_gift_card(card=issued.card, reason="Lost", now=now)
    elif spoil == "expired":
        at = now + timedelta(days=1)
    else:
        code = "0000-0000-0000-0000-0000"
    before = LedgerEntry.objects.count()
    with pytest.raises(GiftCardInvalid) as refused:
        redeem(acme, code, at)
    assert refused.value.message == GiftCardInvalid().message
    assert LedgerEntry.objects.count() == before


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": "  "}, "name"),
        ({"amount": "0"}, "amount"),
        ({"count": 0}, "count"),
        ({"count": 1001}, "count"),
        ({"expires_in": timedelta(0)}, "expires_at"),
    ],
)
def test_cards_that_cannot_be_are_refused_by_name_and_none_is_made(now, change, field):
    terms = {"name": "Fair", "unit": make_unit("mau"), "amount": "10", "now": now} | change
    if (ahead := terms.pop("expires_in", None)) is not None:
        terms["expires_at"] = now + ahead
    with pytest.raises(InvalidInput) as refused:
        issue_gift_cards(**terms)
    assert refused.value.field == field
    assert not GiftCard.objects.exists()


def test_two_cards_are_a_batch_and_one_is_none(now):
    terms = {"name": "Fair", "unit": make_unit("mau"), "amount": "1", "now": now}
    [alone], [first, second] = issue_gift_cards(**terms), issue_gift_cards(count=2, **terms)
    assert alone.card.batch == ""
    assert first.card.batch == second.card.batch != ""


def test_the_largest_batch_and_the_shortest_life(now):
    soon = now + timedelta(microseconds=1)
    issued = issue_gift_cards(name=" Fair ", unit=make_unit("mau"), amount="1", count=1000, expires_at=soon, now=now)
    assert len({one.code for one in issued}) == GiftCard.objects.count() == 1000
    assert GiftCard.objects.values_list("name", "expires_at", "amount").distinct().get() == ("Fair", soon, 1)
    assert len(GiftCard.objects.values_list("batch").distinct().get()[0]) == 8


@pytest.mark.parametrize(("valid_days", "days"), [(365, 365), (1, 1), (0, None)])
def test_its_credits_live_from_the_day_it_is_redeemed(acme, now, valid_days, days):
    [issued] = issue_gift_cards(name="Hi", unit=make_unit("mau"), amount="5", valid_days=valid_days, now=now)
    later = now + timedelta(days=40)
    grant = redeem(acme, issued.code, later)
    assert grant.expires_at == (None if days is None else later + timedelta(days=days))
    assert (grant.source, grant.reason, issued.card.batch) == ("gift_card", "Gift card: Hi", "")
    issued.card.refresh_from_db()
    assert (issued.card.redeemed_at, issued.card.redeemed_by, issued.card.grant) == (later, acme, grant)
    assert LedgerEntry.objects.get().reference == f"gift:{issued.card.public_id}"


def test_voiding_says_why_and_keeps_the_first_reason(card, now):
    with pytest.raises(InvalidInput):
        void_gift_card(card=card.card, reason=" ", now=now)
    assert GiftCard.objects.get().voided_at is None
    for reason, at in ((" Lost ", now), ("Found", now + timedelta(days=1))):
        void_gift_card(card=card.card, reason=reason, now=at)
    kept = GiftCard.objects.get()
    assert (kept.voided_at, kept.void_reason) == (now, "Lost")


def test_nine_wrong_codes_still_leave_a_try(acme, card, now):
    for _ in range(9):
        with pytest.raises(GiftCardInvalid):
            redeem(acme, "0000", now)
    assert redeem(acme, card.code, now).amount == 100


def test_ten_wrong_codes_close_the_door_for_an_hour(acme, alice, card, now, signed_in):
    browser, url = signed_in(alice), reverse("credits:redeem", args=[acme.public_id])
    for _ in range(10):
        browser.post(url, {"code": "0000-0000-0000-0000-0000"})
    page = browser.post(url, {"code": card.code})
    assert "an hour" in page.content.decode()
    assert not CreditGrant.objects.exists()


def test_a_redeemed_card_cannot_be_voided(acme, card, now):
    redeem(acme, card.code, now)
    with pytest.raises(GiftCardUsed):
        void_gift_card(card=card.card, reason="Too late", now=now)


def test_redeeming_by_api(api, acme_key, acme, card):
    answer = api(acme_key).post("/gift-cards/redeem", {"organization": acme.public_id, "code": card.code})
    assert answer.status_code == 201
    assert answer.json()["amount"] == "100"
    again = api(acme_key).post("/gift-cards/redeem", {"organization": acme.public_id, "code": card.code})
    assert (again.status_code, again.json()["error"]["code"]) == (422, "gift_card_invalid")


def test_staff_make_a_batch_and_see_the_codes_once(stella, signed_in):
    make_unit("mau")
    browser = signed_in(stella)
    form = {"name": "Fair", "unit": "mau", "amount": "10", "count": "3", "valid_days": "365"}
    page = browser.post(reverse("admin:credits_giftcard_add"), form | {"expires_at_0": "", "expires_at_1": ""})
    codes = {card.last_four for card in GiftCard.objects.all()}
    assert len(codes) == 3
    assert all(four in page.content.decode() for four in codes)
    assert GiftCard.objects.values("batch").distinct().count() == 1


def test_staff_without_the_permission_make_none(sven, signed_in):
    make_unit("mau")
    assert signed_in(sven).get(reverse("admin:credits_giftcard_add")).status_code == 403
    assert not GiftCard.objects.exists()


def test_failures_count_also_when_the_request_may_be_repeated(api, acme_key, acme, card):
    body = {"organization": acme.public_id, "code": "0000-0000-0000-0000-0000"}
    for number in range(10):
        answer = api(acme_key).post("/gift-cards/redeem", body, headers={"Idempotency-Key": f"try-{number}"})
        assert answer.status_code == 422
    closed = api(acme_key).post("/gift-cards/redeem", body | {"code": card.code})
    assert (closed.status_code, closed.json()["error"]["code"]) == (429, "too_many_tries")
    assert int(closed.headers["Retry-After"]) > 0
    assert not CreditGrant.objects.exists()


@pytest.fixture
def gift(acme, alice, sandbox, signed_in):
    """A paid card for Dora, whose code was emailed to her."""
    make_pack("mau-100", unit="mau", credits="100", price=5000)
    bring_to_stripe()
    form = {"pack": "mau-100", "recipient": "dora@example.com", "sender": "Alice", "message": "Enjoy!", "attempt": "x"}
    signed_in(alice).post(reverse("credits:give", args=[acme.public_id]), form)
    purchase = Purchase.objects.get()
    sandbox.pay(purchase.checkout_session)
    sandbox.deliver()
    purchase.refresh_from_db()
    return purchase


def code_in(email):
    [code] = re.findall(r"^Your code: ([0-9A-Z-]{24})$", email.text, flags=re.MULTILINE)
    return code


def test_a_bought_card_is_emailed_to_whom_it_is_for_and_redeemed_there(acme, globex, gift, now):
    email = SentEmail.objects.get(to="dora@example.com")
    assert email.subject == "Alice sends you 100 MAU credits"
    assert "“Enjoy!”" in email.text
    assert not Wallet.objects.filter(organization=acme).exists()
    assert redeem(globex, code_in(email), now).amount == 100
    with pytest.raises(NotRefundable, match="redeemed"):
        quote_refund(purchase=gift, now=now)


def test_the_code_leaves_our_records_with_the_email(gift, now):
    email = SentEmail.objects.get(to="dora@example.com")
    code = code_in(email)
    deliver_email(email_id=email.pk, now=timezone.now())
    email.refresh_from_db()
    assert code not in f"{email.text}{email.html}"


def test_a_recipient_corrected_after_a_failure_is_who_gets_the_card(acme, alice, sandbox, signed_in):
    make_pack("mau-100", unit="mau", credits="100", price=5000)
    bring_to_stripe()
    browser, address = signed_in(alice), reverse("credits:give", args=[acme.public_id])
    form = {"pack": "mau-100", "recipient": "dora@exmaple.com", "sender": "Alice", "message": "", "attempt": "x"}
    sandbox.fault("down", times=100)
    browser.post(address, form)
    sandbox.clear_faults()
    corrected = form | {"recipient": "dora@example.com"}
    pay_url = browser.post(address, corrected).url
    assert browser.post(address, corrected).url == pay_url
    sandbox.pay(Purchase.objects.get(checkout_url=pay_url).checkout_session)
    sandbox.deliver()
    assert SentEmail.objects.get(subject="Alice sends you 100 MAU credits").to == "dora@example.com"


def test_a_refunded_card_is_void_until_the_refund_fails(globex, gift, stella, sandbox, now):
    code = code_in(SentEmail.objects.get(to="dora@example.com"))
    with pytest.raises(InvalidInput, match=r"as a whole: \$50\.00"):
        refund_purchase(purchase=gift, amount=1000, reason="Part of it", actor=stella, now=timezone.now())
    refund = refund_purchase(purchase=gift, amount=5000, reason="Wrong address", actor=stella, now=timezone.now())
    sandbox.deliver()
    with pytest.raises(GiftCardInvalid):
        redeem(globex, code, now)
    refund.refresh_from_db()
    sandbox.fail_refund(refund.stripe_refund)
    sandbox.deliver()
    assert redeem(globex, code, now).amount == 100


def test_a_card_whose_payment_is_disputed_waits_for_the_bank(globex, gift, sandbox, now):
    code = code_in(SentEmail.objects.get(to="dora@example.com"))
    dispute = sandbox.open_dispute(gift.payment_intent)
    sandbox.deliver()
    with pytest.raises(GiftCardInvalid):
        redeem(globex, code, now)
    sandbox.win_dispute(dispute)
    sandbox.deliver()
    assert redeem(globex, code, now).amount == 100
