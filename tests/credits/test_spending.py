"""Spending, in burn order and by the time of use; giving back; spending many at once."""

from datetime import timedelta
from decimal import Decimal

import pytest

from core.errors import InvalidInput, NotFound
from core.money import Money
from credits.errors import DebtOutstanding, InsufficientCredits, ReferenceConflict, UnknownUnit
from credits.models import CreditGrant, LedgerEntry
from credits.services.expiry import expire_credits
from credits.services.spending import Debit, spend, spend_batch
from tests.credits.purse import Purse, assert_clean, figures

DAY = timedelta(days=1)


def left(*grants: CreditGrant) -> list[str]:
    """What each of them has remaining now."""
    fresh = CreditGrant.objects.in_bulk([grant.pk for grant in grants])
    return [f"{fresh[grant.pk].remaining.normalize():f}" for grant in grants]


def test_twelve_from_ten_and_fifty(purse: Purse):
    soon, late = purse.grant("10", days=5), purse.grant("50", days=300)
    assert purse.spend("12") == 12
    assert left(soon, late) == ["0", "48"]
    assert purse.entries()[2:] == [("spend", "-10"), ("spend", "-2")]
    assert_clean()


def test_burn_order_is_priority_then_expiry_then_free_before_paid_then_age(purse: Purse):
    never = purse.grant("1", days=None)
    younger_twin = purse.grant("1", days=9)
    purse.now += timedelta(seconds=1)
    paid = purse.grant("1", paid=Money(100, "usd"), days=8)
    free = purse.grant("1", days=8)
    urgent = purse.grant("1", days=None, priority=1)
    order = [urgent, free, paid, younger_twin, never]
    for emptied in range(1, 6):
        purse.spend("1")
        assert left(*order) == ["0"] * emptied + ["1"] * (5 - emptied)


def test_of_two_alike_the_older_goes_first(purse: Purse):
    ends = purse.now + 9 * DAY
    older = purse.grant("1", days=9)
    purse.now += DAY
    younger = purse.grant("1", days=(ends - purse.now) / DAY)
    purse.spend("1")
    assert left(older, younger) == ["0", "1"]


def test_a_spend_that_is_too_large_takes_nothing(purse: Purse):
    purse.grant("10")
    with pytest.raises(InsufficientCredits) as refused:
        purse.spend("10.000001")
    assert refused.value.details["shortfall"] == "0.000001"
    assert purse.entries() == [("grant", "10")]


def test_a_partial_spend_takes_what_there_is(purse: Purse):
    purse.grant("10")
    assert purse.spend("12", partial=True) == 10
    assert purse.figures() == figures("0")


def test_a_partial_spend_of_nothing_writes_nothing_and_leaves_its_reference_unused(purse: Purse):
    assert purse.spend("12", partial=True, reference="settle:1") == 0
    assert purse.entries() == []
    purse.grant("5")
    assert purse.spend("12", partial=True, reference="settle:1") == 5


def test_under_debt_paid_usage_is_refused(purse: Purse):
    purse.owe("1")
    before = purse.entries()
    with pytest.raises(DebtOutstanding):
        purse.spend("1")
    assert purse.spend("1", partial=True) == 0
    assert purse.entries() == before


def test_the_same_reference_takes_once(purse: Purse):
    purse.grant("10", days=5)
    purse.grant("10")
    assert purse.spend("12", reference="settle:1") == 12
    assert purse.spend("12", reference="settle:1") == 12
    assert purse.figures() == figures("8")


def test_a_repeat_of_a_partial_spend_returns_what_the_first_one_took(purse: Purse):
    purse.grant("10")
    assert purse.spend("12", reference="settle:1", partial=True) == 10
    purse.grant("10")
    assert purse.spend("12", reference="settle:1", partial=True) == 10
    assert purse.figures() == figures("10")


def test_the_same_reference_with_other_content_is_refused(purse: Purse, globex, usd):
    other = Purse(globex, usd, purse.now)
    purse.grant("10")
    other.grant("10", reference="theirs")
    purse.spend("1", reference="settle:1")
    before = purse.entries(), other.entries()
    for attempt in (
        lambda: purse.spend("2", reference="settle:1"),
        lambda: other.spend("1", reference="settle:1"),
        lambda: purse.grant("1", reference="settle:1"),
        lambda: purse.grant("10", reference="theirs"),
    ):
        with pytest.raises(ReferenceConflict) as refused:
            attempt()
        assert refused.value.http_status == 409
    assert (purse.entries(), other.entries()) == before


@pytest.mark.parametrize("reference", ["", "x" * 256, "settle:1#2"])
def test_an_impossible_reference_is_refused_by_name(purse: Purse, reference):
    purse.grant("10")
    with pytest.raises(InvalidInput) as refused:
        spend(organization=purse.organization, unit="usd", amount=1, reference=reference, at=purse.now, now=purse.now)
    assert refused.value.field == "reference"
    assert purse.figures() == figures("10")


@pytest.mark.parametrize("amount", ["0", "-1", "0.0000001", "100000000000000", 0.1])
def test_an_impossible_amount_is_refused_by_name(purse: Purse, amount):
    purse.grant("10")
    with pytest.raises(InvalidInput) as refused:
        purse.spend(amount)
    assert refused.value.field == "amount"
    assert purse.figures() == figures("10")


@pytest.mark.parametrize("partial", [False, True])
def test_an_unknown_unit_is_refused_by_name(acme, now, partial):
    with pytest.raises(UnknownUnit):
        spend(organization=acme, unit="gold", amount=1, reference="x", at=now, now=now, partial=partial)


def test_usage_is_paid_by_what_was_live_when_it_happened(purse: Purse):
    lapsing, lasting = purse.grant("10", days=1), purse.grant("10")
    used_at = purse.now + DAY / 2
    purse.now += 2 * DAY
    assert purse.spend("4", at=used_at) == 4
    assert left(lapsing, lasting) == ["6", "10"]
    assert purse.spend("4") == 4
    assert left(lapsing, lasting) == ["6", "6"]


def test_at_the_instant_of_its_expiry_a_grant_pays_nothing(purse: Purse):
    grant = purse.grant("10", days=1)
    assert grant.expires_at is not None
    purse.now += 2 * DAY
    assert purse.spend("1", at=grant.expires_at, partial=True) == 0
    assert purse.spend("1", at=grant.expires_at - timedelta(microseconds=1), partial=True) == 1


def test_credits_bought_later_may_pay_for_earlier_usage(purse: Purse):
    used_at = purse.now
    purse.now += DAY
    purse.grant("10")
    assert purse.spend("4", at=used_at) == 4


# -- Giving back -----------------------------------------------------------------------------------------------------


def test_giving_back_goes_last_drawn_first_into_the_same_grants(purse: Purse):
    soon, late = purse.grant("10", days=5), purse.grant("50", days=300)
    purse.spend("15", reference="settle:1")
    assert purse.restore("settle:1", "7") == 7
    assert left(soon, late) == ["2", "50"]
    assert purse.restore("settle:1", "100") == 8
    assert left(soon, late) == ["10", "50"]
    assert purse.restore("settle:1", "1") == 0
    assert_clean()


def test_giving_back_twice_under_one_reference_gives_once(purse: Purse):
    from credits.services.spending import restore

    purse.grant("10")
    purse.spend("5", reference="settle:1")
    for _ in range(2):
        given = restore(reference="void:1", original_reference="settle:1", amount="2", now=purse.now)
        assert given == 2
    assert purse.figures() == figures("7")
    with pytest.raises(ReferenceConflict):
        restore(reference="void:1", original_reference="settle:1", amount="3", now=purse.now)
    assert purse.figures() == figures("7")


def test_what_is_given_back_to_a_lapsed_grant_is_gone_at_once(purse: Purse):
    purse.grant("10", days=1)
    purse.spend("5", reference="settle:1")
    purse.now += 2 * DAY
    expire_credits(now=purse.now)
    assert purse.restore("settle:1", "5") == 5
    assert purse.entries()[-2:] == [("restore", "5"), ("expire", "-5")]
    assert purse.figures() == figures("0")
    assert_clean()


def test_what_is_given_back_repays_debt_first(purse: Purse):
    purse.grant("10")
    purse.spend("4", reference="settle:1")
    purse.owe("3")
    purse.restore("settle:1", "4")
    assert purse.figures() == figures("1")
    assert_clean()


def test_giving_back_a_capture_takes_its_debt_off_first(purse: Purse):
    purse.grant("10")
    hold = purse.capture(purse.hold("10"), "13")
    assert purse.restore(f"hold:{hold.public_id}:capture", "5") == 5
    assert purse.figures() == figures("2")
    assert_clean()


def test_giving_back_debt_that_was_repaid_returns_to_what_repaid_it(purse: Purse):
    first = purse.grant("10")
    hold = purse.capture(purse.hold("10"), "13")
    second = purse.grant("20")
    assert left(first, second) == ["0", "17"]
    purse.restore(f"hold:{hold.public_id}:capture", "13")
    assert left(first, second) == ["10", "20"]
    assert_clean()


def test_debt_that_was_repaid_is_given_back_once(purse: Purse):
    """Two jobs ran into debt, one grant repaid both: the first takes back its own share and never the other's."""
    grant = purse.grant("10")
    holds = [purse.hold("5"), purse.hold("5")]
    first, second = (f"hold:{hold.public_id}:capture" for hold in holds)
    for hold in holds:
        purse.capture(hold, "8")
    repaying = purse.grant("20")
    assert left(grant, repaying) == ["0", "14"]
    assert purse.restore(first, "3") == 3
    assert left(grant, repaying) == ["0", "17"]
    assert purse.restore(first, "100") == 5
    assert left(grant, repaying) == ["5", "17"]
    assert purse.restore(first, "100") == 0
    assert purse.restore(second, "100") == 8
    assert purse.figures() == figures("30")
    assert_clean()


def test_giving_back_what_was_never_taken_is_refused(purse: Purse):
    purse.grant("10", reference="gift:1")
    for original in ("settle:1", "gift:1"):
        with pytest.raises(NotFound):
            purse.restore(original, "1")
    assert purse.figures() == figures("10")


# -- Many at once ----------------------------------------------------------------------------------------------------


def debit(purse: Purse, amount: str, reference: str) -> Debit:
    return Debit(
        organization_id=purse.organization.pk,
        unit=purse.unit.pk,
        amount=Decimal(amount),
        reference=reference,
        at=purse.now,
    )


def test_a_batch_answers_in_the_order_asked_and_keeps_each_wallets_order(purse: Purse, globex, usd):
    other = Purse(globex, usd, purse.now)
    other.grant("3")
    purse.grant("10")
    asked = [debit(purse, "6", "a"), debit(other, "2", "b"), debit(purse, "6", "c"), debit(other, "2", "d")]
    assert [f"{one.taken:f}" for one in spend_batch(debits=asked, now=purse.now)] == [
        "6.000000",
        "2.000000",
        "4.000000",
        "1.000000",
    ]
    assert (purse.figures(), other.figures()) == (figures("0"), figures("0"))
    assert_clean()


def test_a_batch_repeated_takes_nothing_more(purse: Purse):
    purse.grant("10")
    asked = [debit(purse, "1", "a"), debit(purse, "2", "b")]
    first = spend_batch(debits=asked, now=purse.now)
    assert spend_batch(debits=asked, now=purse.now) == first
    assert purse.figures() == figures("7")


def test_a_batch_goes_past_organizations_without_credits(purse: Purse, globex, usd):
    purse.grant("10")
    asked = [debit(Purse(globex, usd, purse.now), "5", "a"), debit(purse, "5", "b")]
    assert [one.taken for one in spend_batch(debits=asked, now=purse.now)] == [0, 5]


def test_a_batch_finds_credits_of_holds_past_their_deadline(purse: Purse):
    purse.grant("10")
    hold = purse.hold("10")
    purse.now = hold.expires_at
    assert [one.taken for one in spend_batch(debits=[debit(purse, "4", "a")], now=purse.now)] == [4]
    assert_clean()


def test_one_conflict_in_a_batch_leaves_all_as_it_was(purse: Purse):
    purse.grant("10")
    purse.spend("1", reference="a")
    with pytest.raises(ReferenceConflict):
        spend_batch(debits=[debit(purse, "3", "b"), debit(purse, "2", "a")], now=purse.now)
    assert purse.figures() == figures("9")
    assert not LedgerEntry.objects.filter(reference="b").exists()


def test_an_empty_batch_is_nothing(db, now):
    assert spend_batch(debits=[], now=now) == []
