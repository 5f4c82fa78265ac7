"""The first page: what is left, which plan it is, what moved last."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import time_machine
from django.core.management import call_command

from accounts.models import Organization
from billing_portal.views.overview import LATEST, time_left
from credits.models import CreditGrant
from credits.services.grants import grant_credits
from credits.services.spending import spend
from plans.engine.windows import Window

CATALOGUE = Path(__file__).resolve().parents[2] / "demo/catalogue.toml"
NOON = datetime(2026, 6, 15, 12, 0, tzinfo=UTC)


@pytest.fixture
def catalogue(db) -> None:
    call_command("load_catalog", str(CATALOGUE))


@pytest.fixture
def at_noon():
    with time_machine.travel(NOON, tick=False):
        yield


def give(organization: Organization, unit: str, amount: str, *, reference: str, now: datetime = NOON) -> CreditGrant:
    return grant_credits(
        organization=organization,
        unit=unit,
        amount=amount,
        source=CreditGrant.Source.STAFF,
        reference=reference,
        reason="Compensation for a bug",
        now=now,
    )


def test_a_new_organization_is_told_what_to_do_next(catalogue, at_noon, acme, alice, signed_in):
    page = signed_in(alice).get(f"/o/{acme.public_id}/").content.decode()

    assert "15 days left in this period" in page
    assert "Free" in page
    assert "figures as of 15 Jun 2026, 12:00 UTC" in page
    assert "None yet." in page
    assert f"/o/{acme.public_id}/credits/buy/" in page
    assert "Nothing has moved yet." in page
    assert "Where to begin" in page


def test_balances_say_their_unit_and_the_latest_movements_come_first(catalogue, at_noon, acme, alice, signed_in):
    give(acme, "usd", "20", reference="grant:1", now=NOON - timedelta(days=2))
    give(acme, "mau", "8400", reference="grant:2", now=NOON - timedelta(days=1))
    spend(organization=acme, unit="usd", amount="3.1", reference="job:1", at=NOON, now=NOON)

    page = signed_in(alice).get(f"/o/{acme.public_id}/")

    assert {balance.unit.code: balance.amount for balance in page.context["balances"]} == {
        "usd": "$16.90",
        "mau": "8,400",
    }
    assert [(line.unit_code, line.entry.amount, line.unit) for line in page.context["latest"]] == [
        ("usd", "−$3.10", ""),
        ("mau", "+8,400", "MAU credits"),
        ("usd", "+$20.00", ""),
    ]


def test_every_meter_of_the_plan_is_shown_with_what_is_included(catalogue, at_noon, acme, alice, signed_in):
    page = signed_in(alice).get(f"/o/{acme.public_id}/")

    lines = {line.name: (line.used, line.detail) for line in page.context["meters"]}
    assert lines["Sessions"] == ("0 sessions", "of 100 included")
    assert page.context["notices"] == []


def test_only_the_newest_movements_are_shown(catalogue, at_noon, acme, alice, signed_in):
    for number in range(LATEST + 3):
        give(acme, "usd", "1", reference=f"grant:{number}")

    page = signed_in(alice).get(f"/o/{acme.public_id}/")

    assert len(page.context["latest"]) == LATEST


def test_the_cost_of_the_page_does_not_grow_with_the_history(
    catalogue, at_noon, acme, alice, signed_in, django_assert_max_num_queries
):
    for number in range(30):
        give(acme, "usd", "1", reference=f"grant:{number}")
    browser = signed_in(alice)
    browser.get(f"/o/{acme.public_id}/")

    with django_assert_max_num_queries(30):
        browser.get(f"/o/{acme.public_id}/")


def test_a_member_who_may_not_buy_is_not_asked_to(catalogue, acme, bob, signed_in):
    page = signed_in(bob).get(f"/o/{acme.public_id}/").content.decode()

    assert "Buy credits" not in page


def test_another_organizations_overview_is_not_there(catalogue, acme, charlie, signed_in):
    assert signed_in(charlie).get(f"/o/{acme.public_id}/").status_code == 404


@pytest.mark.parametrize(
    ("left", "words"),
    [
        (timedelta(days=12, hours=3), "12 days left in this period"),
        (timedelta(days=1, hours=23), "47 hours left in this period"),
        (timedelta(minutes=90), "This period ends within two hours"),
    ],
)
def test_the_time_left_is_said_in_a_fitting_unit(left, words):
    assert time_left(Window(start=NOON - timedelta(days=20), end=NOON + left), NOON) == words


@pytest.mark.browser
@pytest.mark.parametrize("width", [375, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_is_accessible(transactional_db, catalogue, acme, alice, page_at, assert_accessible, width, scheme):
    give(acme, "usd", "20", reference="grant:1", now=datetime.now(UTC))
    give(acme, "mau", "8400", reference="grant:2", now=datetime.now(UTC))
    page = page_at(width, scheme, user=alice)
    page.goto(f"/o/{acme.public_id}/")

    assert_accessible(page)
