"""What the pages about plans say, and to whom."""

import re
from datetime import timedelta
from html import unescape

import pytest
from django.test import Client
from django.urls import reverse

from plans.context_processors import banners_of
from plans.models import DunningCase, PlanChange, TermsPeriod
from plans.services.plan_changes import change_plan

pytestmark = pytest.mark.django_db


def text_of(answer) -> str:
    assert answer.status_code == 200, answer.get("Location")
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", answer.content.decode())).split())


def page(name: str, organization, **more) -> str:
    return reverse(f"plans:{name}", kwargs={"org_id": organization.public_id, **more})


def test_the_prices_stand_side_by_side_with_the_saving(catalogue) -> None:
    monthly, yearly = text_of(Client().get("/pricing/")), text_of(Client().get("/pricing/?interval=year"))
    for words in ("$29.00 a month", "$290.00 a year", "saves $58.00 a year (16 %)", "save up to 16 %"):
        assert words in monthly
        assert words in yearly
    assert "400 sessions a month, then $0.07 each" in monthly
    assert "100 sessions a month, 5 at a time" in monthly


def test_a_private_plan_is_shown_to_its_organization_only(
    catalogue, load_catalogue, acme, globex, alice, charlie, signed_in
) -> None:
    price = 'prices = [{ interval = "month", amount = 100, currency = "usd" }]'
    load_catalogue(f'[[plans]]\ncode = "own"\nname = "Globex special"\nprivate_to = "{globex.public_id}"\n{price}\n')
    assert "Globex special" in text_of(signed_in(charlie).get("/pricing/"))
    for browser in (Client(), signed_in(alice)):
        assert "Globex special" not in text_of(browser.get("/pricing/"))
    refused = signed_in(alice).get(page("review", acme), {"plan": "own", "interval": "month"}, follow=True)
    assert "no plan with the code 'own'" in text_of(refused)


def test_choosing_leads_a_visitor_by_way_of_signing_in_to_their_organization(catalogue, acme, alice, signed_in) -> None:
    choose = reverse("pricing_choose") + "?plan=pro&interval=month"
    assert Client().get(choose)["Location"].startswith(reverse("account_login"))
    assert signed_in(alice).get(choose)["Location"] == page("review", acme) + "?plan=pro&interval=month"


def test_members_look_and_managers_change(stage, bob, alice, signed_in) -> None:
    stage.begin("pro")
    assert "Change plan" in text_of(signed_in(alice).get(page("plan", stage.organization)))
    assert "Change plan" not in text_of(signed_in(bob).get(page("plan", stage.organization)))
    for name in ("choose", "review", "cancel", "fold"):
        assert signed_in(bob).get(page(name, stage.organization)).status_code == 403
    for name in ("keep", "portal", "cancel"):
        assert signed_in(bob).post(page(name, stage.organization)).status_code == 403
    assert stage.base.cancel_at is None


def test_a_price_that_has_changed_since_it_was_shown_is_shown_again(stage, alice, signed_in) -> None:
    stage.begin("payg")
    values = {"plan": "pro", "interval": "month", "due": "1", "shown_at": str(int(stage.now.timestamp()))}
    answer = signed_in(alice).post(page("review", stage.organization), values)
    assert "The amount has changed since you looked" in text_of(answer)
    assert (stage.terms.plan, PlanChange.objects.count()) == ("payg", 0)


def test_a_declined_card_is_said_on_the_page(stage, alice, signed_in) -> None:
    stage.begin("payg")
    stage.use_card("pm_card_chargeCustomerFail")
    values = {"plan": "pro", "interval": "month", "due": "2900", "shown_at": str(int(stage.now.timestamp()))}
    answer = signed_in(alice).post(page("review", stage.organization), values, follow=True)
    assert "declined" in text_of(answer)
    assert stage.terms.plan == "payg"


def test_a_planned_change_is_taken_back_with_a_button(stage, alice, signed_in) -> None:
    stage.begin("pro")
    with stage.commit():
        planned = change_plan(organization=stage.organization, selection=stage.select("payg"), now=stage.now)
    stage.deliver()
    browser = signed_in(alice)
    assert "Planned change" in text_of(browser.get(page("plan", stage.organization)))
    with stage.commit():
        browser.post(page("take_back", stage.organization, change_id=planned.pk))
    assert "Planned change" not in text_of(browser.get(page("plan", stage.organization)))
    assert TermsPeriod.objects.get().ends_at is None


def test_cancelling_says_until_when_and_can_be_undone(stage, alice, signed_in) -> None:
    stage.begin("pro")
    browser = signed_in(alice)
    assert "until 15 Jul 2026, 12:00 UTC" in text_of(browser.get(page("cancel", stage.organization)))
    with stage.commit():
        browser.post(page("cancel", stage.organization))
    assert "Ends 15 Jul 2026, 12:00 UTC" in text_of(browser.get(page("plan", stage.organization)))
    with stage.commit():
        browser.post(page("keep", stage.organization))
    assert "Renews 15 Jul 2026, 12:00 UTC" in text_of(browser.get(page("plan", stage.organization)))


def test_invoices_say_what_they_were_for(stage, alice, bob, charlie, signed_in) -> None:
    assert "No invoices yet" in text_of(signed_in(alice).get(page("invoices", stage.organization)))
    stage.subscribe("pro")
    stage.travel(days=31)
    stage.deliver()
    for member in (alice, bob):
        said = text_of(signed_in(member).get(page("invoices", stage.organization)))
        for words in ("First invoice of the plan", "Renewal", "Paid", "$29.00", "PDF", "15 Jul 2026, 12:00 UTC"):
            assert words in said
    assert signed_in(charlie).get(page("invoices", stage.organization)).status_code == 404


def test_stripe_being_down_is_said_and_charges_nothing(stage, alice, signed_in) -> None:
    stage.sandbox.fault("down", times=50)
    answer = signed_in(alice).post(
        page("review", stage.organization), {"plan": "pro", "interval": "month"}, follow=True
    )
    assert "not answering" in text_of(answer)
    stage.sandbox.clear_faults()
    assert stage.terms.plan == "free"


def test_the_portal_leads_to_stripe_and_back(stage, alice, signed_in) -> None:
    stage.begin("pro")
    answer = signed_in(alice).post(page("portal", stage.organization))
    assert answer["Location"].startswith(stage.sandbox.url)


@pytest.mark.parametrize(
    ("dunning_status", "role", "words"),
    [
        ("good", "base", "could not be collected"),
        ("downgraded", "base", "Pro is off until it is paid"),
        ("suspended", "base", "Acme is suspended"),
        ("downgraded", "companion", "Your plan itself stays"),
        ("suspended", "companion", "What is billed by the month has stopped"),
    ],
)
def test_banners_say_what_is_overdue_and_the_way_out(stage, dunning_status, role, words) -> None:
    stage.subscribe("pro", "year")
    subscription = stage.base if role == "base" else stage.companion
    type(subscription).objects.filter(pk=subscription.pk).update(dunning_status=dunning_status)
    DunningCase.objects.create(
        organization=stage.organization,
        subscription=subscription,
        stripe_invoice_id="in_1",
        hosted_invoice_url="https://invoice.example/1",
        amount_due=2900,
        currency="usd",
        attempts=1,
        first_failed_at=stage.now,
        next_attempt_at=stage.now + timedelta(days=3),
    )
    [banner] = banners_of(stage.organization, can_act=True, now=stage.now)
    assert words in f"{banner.title} {banner.body}"
    assert (banner.action_label, banner.action_url) == ("Pay $29.00", "https://invoice.example/1")
    [plain] = banners_of(stage.organization, can_act=False, now=stage.now)
    assert plain.action_url == ""
