"""Credits coming in, and going by themselves."""

from datetime import timedelta

import pytest

from core.errors import InvalidInput
from core.money import Money
from credits import hooks
from credits.errors import UnknownUnit
from credits.models import CreditGrant, LedgerEntry
from credits.services.expiry import expire_credits
from credits.services.grants import grant_credits
from notifications.models import Event
from tests.credits.purse import Purse, assert_clean, figures

DAY = timedelta(days=1)


def test_a_grant_is_valid_for_a_year_unless_told_otherwise(acme, usd, now):
    grant = grant_credits(organization=acme, unit=usd, amount=10, source="staff", reference="g:1", now=now)
    assert grant.expires_at == now + 365 * DAY
    never = grant_credits(
        organization=acme, unit=usd, amount=10, source="staff", reference="g:2", now=now, expires_at=None
    )
    assert never.expires_at is None


def test_a_grant_says_who_gave_it_and_why_here_and_in_the_ledger(purse: Purse, stella):
    grant = purse.grant("10", reason="Compensation for a bug", actor=stella, reference="g:1")
    entry = LedgerEntry.objects.get(reference="g:1")
    assert (entry.reason, entry.actor, entry.grant) == ("Compensation for a bug", stella, grant)
    assert (entry.amount, entry.balance_after, entry.sequence) == (10, 10, 1)


def test_the_same_reference_grants_once(purse: Purse):
    first = purse.grant("10", reference="checkout:cs_1", paid=Money(1000, "usd"))
    purse.now += timedelta(seconds=3)
    assert purse.grant("10", reference="checkout:cs_1", paid=Money(1000, "usd")) == first
    assert purse.figures() == figures("10")


def test_a_grant_is_announced_once_and_one_that_was_there_before_is_not(purse: Purse):
    grant = purse.grant("10", reference="g:1", announce=True)
    purse.grant("10", reference="g:1", announce=True)
    purse.grant("5", announce=False)
    assert [event.data["grant"] for event in Event.objects.filter(type="credits.granted")] == [grant.public_id]
    assert (purse.wallet.alert.level, purse.wallet.alert.top_ups) == (10, 1)


def test_a_grant_repays_debt_first_and_from_itself(purse: Purse):
    purse.owe("1")
    grant = purse.grant("20")
    assert grant.remaining == 19
    assert purse.figures() == figures("19")
    assert_clean()


def test_a_grant_smaller_than_the_debt_goes_into_it(purse: Purse):
    purse.owe("5")
    purse.grant("2")
    assert purse.figures() == figures("-3", available="0", debt="3")
    assert_clean()


def test_no_grant_touches_another_wallet(purse: Purse, globex, usd, sessions):
    other = Purse(globex, usd, purse.now)
    own_other_unit = Purse(purse.organization, sessions, purse.now)
    for one in (purse, other, own_other_unit):
        one.grant("10")
    purse.spend("10")
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


def test_at_the_instant_itself_it_is_gone_before_any_posting(purse: Purse):
    grant = purse.grant("10", days=1)
    assert grant.expires_at is not None
    assert purse.figures(at=grant.expires_at - timedelta(microseconds=1)) == figures("10")
    assert purse.figures(at=grant.expires_at) == figures("0")
    assert purse.entries() == [("grant", "10")]


def test_expiry_run_twice_posts_one_entry(purse: Purse):
    purse.grant("10", days=5)
    purse.grant("50", days=300)
    purse.spend("12")
    purse.now += 366 * DAY
    assert [one.amount for one in expire_credits(now=purse.now)] == [48]
    assert expire_credits(now=purse.now) == []
    assert purse.entries()[-1] == ("expire", "-48")
    assert purse.figures() == figures("0")
    assert_clean()


def test_an_expiry_entry_happened_at_the_instant_and_was_posted_later(purse: Purse):
    grant = purse.grant("10", days=5)
    purse.now += 9 * DAY
    expire_credits(now=purse.now)
    entry = LedgerEntry.objects.get(kind="expire")
    assert (entry.event_at, entry.created_at) == (grant.expires_at, purse.now)


def test_what_never_expires_stays(purse: Purse):
    purse.grant("10", days=None)
    purse.now += 3650 * DAY
    assert expire_credits(now=purse.now) == []
    assert purse.figures() == figures("10")


def test_what_is_held_of_a_lapsed_grant_is_not_posted_as_expired(purse: Purse):
    purse.grant("10", days=1)
    hold = purse.hold("4", expires_at=purse.now + 5 * DAY)
    purse.now += 2 * DAY
    expire_credits(now=purse.now)
    assert purse.entries()[-1] == ("expire", "-6")
    assert purse.figures() == figures("4", held="4", available="0")
    purse.capture(hold)
    assert expire_credits(now=purse.now) == []
    assert_clean()


def test_before_each_posting_usage_until_then_is_settled_by_what_was_live(purse: Purse, monkeypatch):
    """Two grants lapse at different instants; what was used before each is paid from what lived then."""
    monkeypatch.setattr(hooks, "_before_expiry", [])
    first, second = purse.grant("10", days=1), purse.grant("10", days=2)
    asked = []

    @hooks.before_expiry
    def settle(*, wallet, at, now):
        asked.append((wallet, at, now))
        purse.spend("3", at=at - timedelta(microseconds=1), partial=True, reference=f"settle:{len(asked)}")

    purse.now += 3 * DAY
    lapsed = expire_credits(now=purse.now)
    assert asked == [(purse.wallet, first.expires_at, purse.now), (purse.wallet, second.expires_at, purse.now)]
    assert [(one.at, one.amount) for one in lapsed] == [(first.expires_at, 7), (second.expires_at, 7)]
    assert_clean()
