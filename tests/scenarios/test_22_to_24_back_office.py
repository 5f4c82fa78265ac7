"""Back office: granting by hand, refunds from either side, disputes."""

import pytest
from django.core.management import call_command
from django.urls import reverse
from django.utils import timezone

from credits.models import CreditGrant, LedgerEntry, Purchase, Refund
from notifications.models import SentEmail
from tests.credits.shop import bring_to_stripe, make_pack, make_unit

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def product(api, service_key):
    return api(service_key)


@pytest.fixture
def purchase(acme, alice, product, sandbox, signed_in):
    """100 credits bought for $50 on the page, 40 of them used."""
    make_pack("mau-100", unit="mau", credits="100", price=5000)
    bring_to_stripe()
    signed_in(alice).post(reverse("credits:buy", args=[acme.public_id]), {"pack": "mau-100", "attempt": "x"})
    purchase = Purchase.objects.get()
    sandbox.pay(purchase.checkout_session)
    sandbox.deliver()
    body = {"organization": acme.public_id, "unit": "mau", "quantity": "40", "reference": "job-1"}
    held = product.post("/holds", body).json()
    product.post(f"/holds/{held['id']}/capture")
    purchase.refresh_from_db()
    return purchase


def figures(product, organization):
    [wallet] = product.get(f"/organizations/{organization.public_id}/wallets").json()["results"]
    call_command("audit_ledger")
    return wallet["available"], wallet["debt"]


def test_scenario_22_staff_grant_with_a_reason_and_the_ledger_says_who_and_why(
    acme, alice, stella, sven, product, signed_in
):
    make_unit("mau")
    url = reverse("admin:credits_creditgrant_add")
    form = {"organization": acme.public_id, "unit": "mau", "amount": "100", "reason": "Sorry for the outage"}
    form |= {"expires_at_0": "2030-01-01", "expires_at_1": "12:00:00", "priority": "100", "attempt": "one"}
    assert signed_in(sven).post(url, form).status_code == 403
    assert not LedgerEntry.objects.exists()

    for _ in range(2):  # a double click
        assert signed_in(stella).post(url, form).status_code == 302

    grant = CreditGrant.objects.get()
    assert (grant.amount, grant.expires_at.isoformat()) == (100, "2030-01-01T12:00:00+00:00")
    assert figures(product, acme) == ("100", "0")
    for page in (
        signed_in(alice).get(reverse("credits:history", args=[acme.public_id])),
        signed_in(stella).get(reverse("admin:credits_ledgerentry_changelist")),
    ):
        assert "Sorry for the outage" in page.content.decode()
        assert "Stella" in page.content.decode() or "stella@portal.example" in page.content.decode()


def test_scenario_23_the_admin_offers_the_unspent_share_and_refunds_it_once(
    acme, purchase, stella, product, sandbox, receiver, signed_in
):
    receiver.subscribe(organization=acme)
    browser, url = signed_in(stella), reverse("admin:credits_purchase_refund", args=[purchase.pk])
    page = browser.get(url)
    assert "$30.00 / 60 credits" in page.content.decode()
    form = page.context["form"].initial | {"reason": "Asked for it", "send": "Send"}
    for _ in range(2):  # a double click
        browser.post(url, form)
    sandbox.deliver()
    assert len(sandbox.client.v1.refunds.list().data) == 1
    assert figures(product, acme) == ("0", "0")
    assert [received.data["amount"] for received in receiver.of_type("refund.completed")] == [3000]
    assert SentEmail.objects.get(event__type="refund.completed", to=acme.email).subject == (
        "Acme: $30.00 is on its way back to you"
    )

    sandbox.fail_refund(Refund.objects.get().stripe_refund)
    sandbox.deliver()
    assert figures(product, acme) == ("60", "0")
    assert CreditGrant.objects.get().expires_at >= timezone.now() + timezone.timedelta(days=30)


def test_scenario_23_a_refund_made_at_stripe_arrives_the_same_way(acme, purchase, product, sandbox):
    sandbox.set_delivery(repeat=3, shuffle=True, seed=23)
    made = sandbox.refund(purchase.payment_intent, 3000)
    sandbox.deliver()
    assert figures(product, acme) == ("0", "0")
    refund = Refund.objects.get()
    assert (refund.amount, refund.credits, refund.status) == (3000, 60, "succeeded")
    sandbox.fail_refund(made["id"])
    sandbox.deliver()
    assert figures(product, acme) == ("60", "0")


def test_scenario_24_a_dispute_freezes_and_winning_gives_back_exactly(acme, purchase, product, sandbox):
    expires_at = CreditGrant.objects.get().expires_at
    dispute = sandbox.open_dispute(purchase.payment_intent)
    sandbox.deliver()
    assert figures(product, acme) == ("0", "0")
    body = {"organization": acme.public_id, "unit": "mau", "quantity": "1", "reference": "job-2"}
    assert product.post("/holds", body).status_code == 402
    sandbox.win_dispute(dispute)
    sandbox.deliver()
    assert figures(product, acme) == ("60", "0")
    assert CreditGrant.objects.get().expires_at >= expires_at


def test_scenario_24_a_lost_dispute_takes_all_and_what_was_spent_is_owed(acme, purchase, product, sandbox):
    dispute = sandbox.open_dispute(purchase.payment_intent)
    sandbox.deliver()
    sandbox.lose_dispute(dispute)
    sandbox.deliver()
    assert figures(product, acme) == ("0", "40")
