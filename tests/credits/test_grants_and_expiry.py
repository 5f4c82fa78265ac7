"""Credits coming in, and going by themselves."""

from datetime import timedelta

import pytest
from django.urls import reverse

from core.errors import InvalidInput
from core.money import Money
from credits import hooks
from credits.errors import UnknownUnit
from credits.models import CreditGrant, LedgerEntry
from credits.services.expiry import expire_credits
from credits.services.grants import grant_credits
from notifications.models import Event
from tests.credits.wallet_driver import WalletDriver, assert_clean, figures

DAY = timedelta(days=1)


def test_a_grant_is_valid_for_a_year_unless_told_otherwise(acme, usd, now):
    grant = grant_credits(organization=acme, unit=usd, amount=10, source="staff", reference="g:1", now=now)
    assert grant.expires_at == now + 365 * DAY
    never = grant_credits(
        organization=acme, unit=usd, amount=10, source="staff", reference="g:2", now=now, expires_at=None
    )
    assert never.expires_at is None


def test_a_grant_says_who_gave_it_and_why_here_and_in_the_ledger(usd_wallet: WalletDriver, stella):
    grant = usd_wallet.grant("10", reason="Compensation for a bug", actor=stella, reference="g:1")
    entry = LedgerEntry.objects.get(reference="g:1")
    assert (entry.reason, entry.actor, entry.grant) == ("Compensation for a bug", stella, grant)
    assert (entry.amount, entry.balance_after, entry.sequence) == (10, 10, 1)


def test_a_grant_form_sent_again_with_another_amount_asks_first_and_then_grants(acme, usd, stella, signed_in):
    browser, url = signed_in(stella), reverse("admin:credits_creditgrant_add")
    form = {"organization": acme.public_id, "unit": "usd", "amount": "10", "reason": "Sorry", "priority": "100"}
    form["attempt"] = "one"
    assert browser.post(url, form).status_code == 302
    form["amount"] = "20"
    refused = browser.post(url, form)
    assert "was sent before, with other content" in refused.content.decode()
    assert [grant.amount for grant in CreditGrant.objects.all()] == [10]
    form["attempt"] = refused.context["form"]["attempt"].value()
    assert browser.post(url, form).status_code == 302
    assert sorted(grant.amount for grant in CreditGrant.objects.all()) == [10, 20]


def test_the_same_reference_grants_once(usd_wallet: WalletDriver):
    first = usd_wallet.grant("10", reference="checkout:cs_1", paid=Money(1000, "usd"))
    usd_wallet.now += timedelta(seconds=3)
    assert usd_wallet.grant("10", reference="checkout:cs_1", paid=Money(1000, "usd")) == first
    assert usd_wallet.figures() == figures("10")


def test_a_grant_is_announced_once_and_one_that_was_there_before_is_not(usd_wallet: WalletDriver):
    grant = usd_wallet.grant("10", reference="g:1", announce=True)
    usd_wallet.grant("10", reference="g:1", announce=True)
    usd_wallet.grant("5", announce=False)
    assert [event.data["grant"] for event in Event.objects.filter(type="credits.granted")] == [grant.public_id]
    assert (usd_wallet.row.alert.level, usd_wallet.row.alert.top_ups) == (10, 1)


def test_a_grant_repays_debt_first_and_from_itself(usd_wallet: WalletDriver):
    usd_wallet.owe("1")
    grant = usd_wallet.grant("20")
    assert grant.remaining == 19
    assert usd_wallet.figures() == figures("19")
    assert_clean()


def test_a_grant_smaller_than_the_debt_goes_into_it(usd_wallet: WalletDriver):
    usd_wallet.owe("5")
    usd_wallet.grant("2")
    assert usd_wallet.figures() == figures("-3", available="0", debt="3")
    assert_clean()


def test_no_grant_touches_another_wallet(usd_wallet: WalletDriver, globex, usd, sessions):
    other = WalletDriver(globex, usd, usd_wallet.now)
    own_other_unit = WalletDriver(usd_wallet.organization, sessions, usd_wallet.now)
    for one in (usd_wallet, other, own_other_unit):
        one.grant("10")
    usd_wallet.spend("10")
    assert (other.figures(), own_other_unit.figures()) == (figures("10"), figures("10"))


@pytest.mark.parametrize(
    ("terms", "field"),
    [
        ({"amount": "0"}, "amount"),
        ({"amount": "-3"}, "amount"),
        ({"amount": "1.0000001"}, "amount"),
        ({"amount": "100000000000000"}, "amount"),
        ({"amount": float("1.5")}, "amount"),
        ({"priority": -1}, "priority"),
        ({"priority": 40_000}, "priority"),
        ({"reference": ""}, "reference"),
        ({"reference": "a#2"}, "reference"),
        ({"unit": "gold"}, "unit"),
    ],
)
def test_an_impossible_grant_is_refused_by_name(acme, usd, now, terms, field):
    asked = {"organization": acme, "unit": usd, "amount": "1", "source": "staff", "reference": "g:1", "now": now}
    with pytest.raises(InvalidInput) as refused:
        grant_credits(**asked | terms)
    assert refused.value.field == field
    assert not CreditGrant.objects.exists()


@pytest.mark.parametrize("ago", [timedelta(0), DAY])
def test_a_grant_cannot_have_lapsed_already(acme, usd, now, ago):
    with pytest.raises(InvalidInput) as refused:
        grant_credits(
            organization=acme, unit=usd, amount=1, source="staff", reference="g", now=now, expires_at=now - ago
        )
    assert refused.value.field == "expires_at"


def test_an_unknown_unit_has_its_own_code(acme, now):
    with pytest.raises(UnknownUnit) as refused:
        grant_credits(organization=acme, unit="gold", amount=1, source="staff", reference="g", now=now)
    assert refused.value.code == "unknown_unit"


# -- Expiry ----------------------------------------------------------------------------------------------------------


def test_at_the_instant_itself_it_is_gone_before_any_posting(usd_wallet: WalletDriver):
    grant = usd_wallet.grant("10", days=1)
    assert grant.expires_at is not None
    assert usd_wallet.figures(at=grant.expires_at - timedelta(microseconds=1)) == figures("10")
    assert usd_wallet.figures(at=grant.expires_at) == figures("0")
    assert usd_wallet.entries() == [("grant", "10")]


def test_expiry_run_twice_posts_one_entry(usd_wallet: WalletDriver):
    usd_wallet.grant("10", days=5)
    usd_wallet.grant("50", days=300)
    usd_wallet.spend("12")
    usd_wallet.now += 366 * DAY
    assert [one.amount for one in expire_credits(now=usd_wallet.now)] == [48]
    assert expire_credits(now=usd_wallet.now) == []
    assert usd_wallet.entries()[-1] == ("expire", "-48")
    assert usd_wallet.figures() == figures("0")
    assert_clean()


def test_an_expiry_entry_happened_at_the_instant_and_was_posted_later(usd_wallet: WalletDriver):
    grant = usd_wallet.grant("10", days=5)
    usd_wallet.now += 9 * DAY
    expire_credits(now=usd_wallet.now)
    entry = LedgerEntry.objects.get(kind="expire")
    assert (entry.event_at, entry.created_at) == (grant.expires_at, usd_wallet.now)


def test_what_never_expires_stays(usd_wallet: WalletDriver):
    usd_wallet.grant("10", days=None)
    usd_wallet.now += 3650 * DAY
    assert expire_credits(now=usd_wallet.now) == []
    assert usd_wallet.figures() == figures("10")


def test_what_is_held_of_a_lapsed_grant_is_not_posted_as_expired(usd_wallet: WalletDriver):
    usd_wallet.grant("10", days=1)
    hold = usd_wallet.hold("4", expires_at=usd_wallet.now + 5 * DAY)
    usd_wallet.now += 2 * DAY
    expire_credits(now=usd_wallet.now)
    assert usd_wallet.entries()[-1] == ("expire", "-6")
    assert usd_wallet.figures() == figures("4", held="4", available="0")
    usd_wallet.capture(hold)
    assert expire_credits(now=usd_wallet.now) == []
    assert_clean()


def test_before_each_posting_usage_until_then_is_settled_by_what_was_live(usd_wallet: WalletDriver, monkeypatch):
    """Two grants lapse at different instants; what was used before each is paid from what lived then."""
    monkeypatch.setattr(hooks, "_before_expiry", [])
    first, second = usd_wallet.grant("10", days=1), usd_wallet.grant("10", days=2)
    asked = []

    @hooks.on_before_expiry
    def settle(*, wallet, at, now):
        asked.append((wallet, at, now))
        usd_wallet.spend("3", at=at - timedelta(microseconds=1), partial=True, reference=f"settle:{len(asked)}")

    usd_wallet.now += 3 * DAY
    lapsed = expire_credits(now=usd_wallet.now)
    assert asked == [
        (usd_wallet.row, first.expires_at, usd_wallet.now),
        (usd_wallet.row, second.expires_at, usd_wallet.now),
    ]
    assert [(one.at, one.amount) for one in lapsed] == [(first.expires_at, 7), (second.expires_at, 7)]
    assert_clean()
