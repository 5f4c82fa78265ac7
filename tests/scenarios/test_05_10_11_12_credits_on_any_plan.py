"""Credits of any unit: packs that staff add, what is used first, what expires, history, gift cards, alerts."""

import csv
import io
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from django.core.management import call_command
from django.db import connection
from django.urls import reverse

from credits.models import CreditGrant, GiftCard, LedgerEntry, Purchase
from credits.services.grants import grant_credits
from credits.services.spending import spend
from notifications.models import SentEmail
from tests.credits.shop import bring_to_stripe, make_pack, make_unit


def grant(product, organization, unit, amount, reference, **terms):
    body = {"unit": unit, "amount": amount, "reason": "Prepaid", "reference": reference, **terms}
    answer = product.post(f"/organizations/{organization.public_id}/grants", body)
    assert answer.status_code == 201, answer.json()
    return answer.json()


def use(product, organization, unit, quantity, reference):
    body = {"organization": organization.public_id, "unit": unit, "quantity": quantity, "reference": reference}
    held = product.post("/holds", body).json()
    assert product.post(f"/holds/{held['id']}/capture").json()["captured"] == quantity


@pytest.fixture
def product(api, service_key):
    return api(service_key)


@pytest.mark.django_db(transaction=True)
def test_scenario_5_staff_add_a_pack_and_after_sync_a_customer_buys_it(acme, alice, stella, sandbox, signed_in):
    for credits, price in (("100", 1000), ("1000", 8000), ("10000", 60000)):
        make_pack(f"mau-{credits}", unit="mau", credits=credits, price=price)
    bring_to_stripe()
    form = {"code": "mau-50000", "unit": "mau", "currency": "usd", "credits": "50000", "price": "250000"}
    form |= {"valid_days": "365", "position": "0", "name": "", "recurring": "", "open_minimum": "", "open_maximum": ""}
    assert signed_in(stella).post(reverse("admin:credits_creditpack_add"), form).status_code == 302
    customer, buy = signed_in(alice), reverse("credits:buy", args=[acme.public_id])
    assert customer.post(buy, {"pack": "mau-50000", "attempt": "early"}).status_code == 404
    assert not Purchase.objects.exists()

    call_command("sync_catalog")

    assert all(amount in customer.get(buy).content.decode() for amount in ("$10.00", "$80.00", "$600.00", "$2,500.00"))
    answer = customer.post(buy, {"pack": "mau-50000", "attempt": "later"})
    assert answer.url.startswith(sandbox.url)
    sandbox.pay(Purchase.objects.get().checkout_session)
    sandbox.deliver()
    page = customer.get(reverse("credits:overview", args=[acme.public_id])).content.decode()
    assert "50,000" in page


@pytest.mark.django_db
def test_scenario_10_history_of_twelve_months_by_unit_and_as_a_file(acme, alice, now, signed_in, time_machine):
    time_machine.move_to(now, tick=False)
    for unit in ("mau", "storage"):
        make_unit(unit)
    for month in range(12, -1, -1):
        at = now - timedelta(days=30 * month)
        if month == 4:
            continue  # nothing moved in this one
        grant_credits(
            organization=acme,
            unit="mau",
            amount="100",
            source="staff",
            reference=f"g:{month}",
            reason='=HYPERLINK("http://evil.example")' if month == 0 else "Monthly",
            now=at,
        )
        spend(organization=acme, unit="mau", amount=str(10 + month), reference=f"s:{month}", at=at, now=at)
    grant_credits(organization=acme, unit="storage", amount="7", source="staff", reference="other", now=now)
    browser = signed_in(alice)
    page = browser.get(reverse("credits:history", args=[acme.public_id]), {"unit": "mau"})
    months = page.context["months"]
    assert [f"{month.start:%Y-%m}" for month in months] == [
        *(f"2026-{number:02}" for number in range(6, 0, -1)),
        *(f"2025-{number:02}" for number in range(12, 6, -1)),
    ]
    assert (months[0].added, months[0].used) == ("100", "−10")
    quiet = next(month for month in months if month.start.month == 2)
    assert (quiet.added, quiet.used) == ("0", "0")
    assert months[0].end_balance == f"{1200 - sum(10 + month for month in range(13) if month != 4):,}"
    assert (
        "7"
        not in browser.get(reverse("credits:history", args=[acme.public_id]), {"unit": "storage"})
        .context["months"][0]
        .used
    )

    answer = browser.get(reverse("credits:history_csv", args=[acme.public_id]), {"unit": "mau"})
    rows = list(csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode())))
    assert len(rows) == 24
    assert not any(cell.startswith(("=", "@", "+")) for row in rows for cell in row.values())
    assert {row["reason"] for row in rows if "HYPERLINK" in row["reason"]} == {'\'=HYPERLINK("http://evil.example")'}
    assert rows[0]["amount (mau)"] == "-10"


@pytest.mark.django_db(transaction=True)
def test_scenario_11_two_redeem_one_card_at_the_same_moment(api, acme, globex, acme_key, globex_key, stella, signed_in):
    make_unit("mau")
    form = {"name": "Compensation for a bug", "unit": "mau", "amount": "100", "count": "1", "valid_days": "365"}
    page = signed_in(stella).post(
        reverse("admin:credits_giftcard_add"), form | {"expires_at_0": "", "expires_at_1": ""}
    )
    [issued] = page.context["issued"]
    together = Barrier(2)

    def redeem(who):
        organization, key = who
        try:
            together.wait()
            return api(key).post("/gift-cards/redeem", {"organization": organization.public_id, "code": issued.code})
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(redeem, [(acme, acme_key), (globex, globex_key)]))

    assert sorted(answer.status_code for answer in answers) == [201, 422]
    refused = next(answer for answer in answers if answer.status_code == 422)
    assert refused.json()["error"]["code"] == "gift_card_invalid"
    assert CreditGrant.objects.get().amount == 100
    assert GiftCard.objects.get().redeemed_by == CreditGrant.objects.get().wallet.organization
    assert LedgerEntry.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_scenario_12_each_alert_once_and_none_where_it_is_switched_off(
    acme, globex, charlie, product, receiver, signed_in
):
    make_unit("mau")
    receiver.subscribe(organization=acme)
    signed_in(charlie).post(reverse("notifications:preferences", args=[globex.public_id]), {})
    for organization in (acme, globex):
        grant(product, organization, "mau", "100", "first")
        for step, quantity in enumerate(["60", "20", "15", "5"]):
            use(product, organization, "mau", quantity, f"job-{step}")
            if quantity == "20":  # 20 of 100 is not below a fifth
                assert not SentEmail.objects.filter(event__type="credits.low", organization=organization).exists()

    alerts = SentEmail.objects.filter(event__type__in=["credits.low", "credits.exhausted"])
    assert {email.organization for email in alerts} == {acme}
    to_billing = alerts.filter(to=acme.email).order_by("id")
    assert [email.event.type for email in to_billing] == ["credits.low", "credits.exhausted"]
    assert [email.subject for email in to_billing] == ["Acme: 5 MAU credits left", "Acme: MAU credits are used up"]
    assert [type for type in receiver.types() if type != "credits.granted"] == ["credits.low", "credits.exhausted"]
