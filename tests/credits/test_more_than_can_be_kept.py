"""Sums beyond what a wallet can keep are refused by name, by whichever door they come, and change nothing."""

import pytest
from django.urls import reverse
from django.utils import timezone

from core.errors import OutOfRange
from core.quantities import LARGEST
from credits.models import CreditGrant, GiftCard, LedgerEntry, Purchase, Wallet
from credits.services.gift_cards import issue_gift_cards
from tests.credits.shop import bring_to_stripe, make_pack
from tests.credits.wallet_driver import WalletDriver, assert_clean

pytestmark = pytest.mark.django_db
WORDS = "more than can be kept"


@pytest.fixture
def full(usd_wallet: WalletDriver) -> WalletDriver:
    """A wallet that can take nothing more."""
    usd_wallet.now = timezone.now()
    usd_wallet.grant(str(LARGEST))
    return usd_wallet


@pytest.fixture
def pack(full, sandbox):
    pack = make_pack("usd-20", credits="20", price=2000)
    bring_to_stripe()
    return pack


def assert_unchanged(usd_wallet: WalletDriver) -> None:
    assert LedgerEntry.objects.count() == CreditGrant.objects.count() == 1
    assert usd_wallet.row.balance == LARGEST
    assert_clean()


def test_the_service_names_it(full):
    with pytest.raises(OutOfRange):
        full.grant("0.000001")
    assert_unchanged(full)


def test_the_grant_form_says_so(full, acme, stella, signed_in):
    form = {"organization": acme.public_id, "unit": "usd", "amount": str(LARGEST), "reason": "Much", "priority": "100"}
    page = signed_in(stella).post(reverse("admin:credits_creditgrant_add"), form | {"attempt": "one"})
    assert page.status_code == 200
    assert WORDS in page.content.decode()
    assert_unchanged(full)


def test_a_gift_card_stays_for_another_wallet(full, acme, alice, signed_in):
    [issued] = issue_gift_cards(name="Thanks", unit=full.unit, amount=str(LARGEST), now=full.now)
    page = signed_in(alice).post(reverse("credits:redeem", args=[acme.public_id]), {"code": issued.code})
    assert page.status_code == 422
    assert WORDS in page.content.decode()
    assert GiftCard.objects.redeemable(at=timezone.now()).exists()
    assert_unchanged(full)


def test_no_money_is_taken_for_a_pack_that_does_not_fit(full, pack, acme, alice, signed_in):
    page = signed_in(alice).post(reverse("credits:buy", args=[acme.public_id]), {"pack": pack.code, "attempt": "x"})
    assert page.status_code == 422
    assert WORDS in page.content.decode()
    assert not Purchase.objects.exists()
    assert_unchanged(full)


def test_a_pack_that_no_longer_fits_when_it_is_paid_waits_for_staff(usd_wallet, acme, alice, signed_in, sandbox):
    """The wallet filled up while the customer was on the checkout page; the return page opens all the same."""
    pack = make_pack("usd-20", credits="20", price=2000)
    bring_to_stripe()
    client = signed_in(alice)
    client.post(reverse("credits:buy", args=[acme.public_id]), {"pack": pack.code, "attempt": "x"})
    purchase = Purchase.objects.get()
    usd_wallet.now = timezone.now()
    usd_wallet.grant(str(LARGEST))
    sandbox.pay(purchase.checkout_session)
    assert client.get(purchase.get_absolute_url()).status_code == 200
    purchase.refresh_from_db()
    assert purchase.status == Purchase.Status.OPEN
    assert Wallet.objects.get().balance == LARGEST
    assert_unchanged(usd_wallet)
