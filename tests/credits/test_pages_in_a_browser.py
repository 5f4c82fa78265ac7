"""A customer buys in a real browser; every credit page is accessible, in both themes, from 375 px up."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from credits.models import LedgerEntry, Purchase
from credits.services.spending import spend
from notifications.models import SentEmail
from tests.credits.shop import bring_to_stripe, buy, make_pack, make_unit

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
looks = pytest.mark.parametrize(("width", "scheme"), [(375, "dark"), (1280, "light")])


@pytest.fixture
def packs(sandbox):
    found = [make_pack(f"usd-{price}", credits=str(price), price=price * 100) for price in (5, 20, 50)]
    found.append(make_pack("mau-1000", unit="mau", credits="1000", price=4000, recurring="month"))
    bring_to_stripe()
    return found


@pytest.mark.parametrize(("width", "javascript"), [(375, True), (1280, False)])
def test_a_customer_buys_a_pack(page_at, acme, alice, packs, live_sandbox, width, javascript):
    page = page_at(width, user=alice, javascript=javascript)
    page.goto(reverse("credits:overview", args=[acme.public_id]))
    page.get_by_role("link", name="Buy credits").first.click()
    page.locator("form", has=page.locator("[name=pack][value=usd-20]")).get_by_role("button").click()
    page.get_by_label("Card number").press("Enter")
    page.get_by_role("heading", name="Thank you. Your credits are here.").wait_for()
    live_sandbox.flush()
    page.get_by_role("link", name="See your credits").click()
    page.get_by_text("20", exact=False).first.wait_for()

    [purchase] = Purchase.objects.all()
    assert (purchase.status, purchase.buyer) == (Purchase.Status.PAID, alice)
    assert [entry.reference for entry in LedgerEntry.objects.all()] == [f"checkout:{purchase.checkout_session}"]
    receipt = SentEmail.objects.get(event__type="purchase.receipt", to=acme.email)
    assert receipt.subject == "Receipt: 20 US dollar credits for $20.00"
    assert all(said in receipt.text for said in (purchase.public_id, purchase.receipt_url, "UTC", "$20.00"))


def test_whoever_leaves_the_checkout_page_can_go_on(page_at, acme, alice, packs, live_sandbox):
    page = page_at(user=alice)
    page.goto(reverse("credits:buy", args=[acme.public_id]))
    page.locator("form", has=page.locator("[name=pack][value=usd-5]")).get_by_role("button").click()
    page.get_by_label("Card number").wait_for()
    [purchase] = Purchase.objects.all()
    page.goto(f"{purchase.get_absolute_url()}?cancelled=1")
    page.get_by_role("link", name="Go on to payment").click()
    page.get_by_label("Card number").press("Enter")
    page.get_by_role("heading", name="Thank you. Your credits are here.").wait_for()
    assert Purchase.objects.count() == 1


@pytest.fixture
def addresses(acme, packs, sandbox):
    """Every credit page with something on it."""
    paid = buy(acme, packs[1], sandbox)
    now = timezone.now()
    for number in range(3):
        spend(organization=acme, unit="usd", amount="1.25", reference=f"job-{number}", at=now, now=now)
    states = {}
    for status in ("started", "open", "processing", "failed", "cancelled"):
        states[status] = Purchase.objects.create(
            organization=acme,
            kind=Purchase.Kind.PACK,
            status=status,
            pack=packs[0],
            unit=make_unit("usd"),
            credits=5,
            valid_days=365,
            amount=500,
            currency="usd",
            failure="Your card was declined." if status == "failed" else "",
            checkout_url=f"{sandbox.url}/elsewhere",
            created_at=now - timedelta(minutes=5),
        )
    org = [acme.public_id]
    pages = ("overview", "buy", "redeem", "give", "automation", "history")
    return [
        *(reverse(f"credits:{name}", args=org) for name in pages),
        *(purchase.get_absolute_url() for purchase in (paid, *states.values())),
        f"{states['open'].get_absolute_url()}?cancelled=1",
    ]


@looks
def test_every_page_is_accessible(page_at, assert_accessible, addresses, alice, width, scheme):
    page = page_at(width, scheme, user=alice)
    for address in addresses:
        assert page.goto(address).status == 200
        assert_accessible(page)


def test_a_member_who_may_not_buy_is_led_nowhere_in_vain(page_at, assert_accessible, addresses, bob):
    page = page_at(user=bob)
    for address in addresses:
        status = page.goto(address).status
        assert status in (200, 403)
        assert_accessible(page)
        if status == 200:
            for label in ("Buy credits", "Try again", "Buy again", "Go on to payment"):
                assert page.get_by_text(label, exact=True).count() == 0, f"{address} offers “{label}”"
