"""Spending, in burn order and by the time of use; giving back; spending many at once."""

from datetime import timedelta
from decimal import Decimal

import pytest

from core.errors import InvalidInput, NotFound
from core.money import Money
from credits.errors import DebtOutstanding, InsufficientCredits, ReferenceConflict, UnknownUnit
from credits.models import CreditGrant, LedgerEntry
from credits.services.expiry import expire_credits
from credits.services.grants import freeze
from credits.services.spending import Debit, spend, spend_batch
from tests.credits.wallet_driver import WalletDriver, assert_clean, figures

DAY = timedelta(days=1)


def left(*grants: CreditGrant) -> list[str]:
    """What each of them has remaining now."""
    fresh = CreditGrant.objects.in_bulk([grant.pk for grant in grants])
    return [f"{fresh[grant.pk].remaining.normalize():f}" for grant in grants]


def test_twelve_from_ten_and_fifty(usd_wallet: WalletDriver):
    soon, late = usd_wallet.grant("10", days=5), usd_wallet.grant("50", days=300)
    assert usd_wallet.spend("12") == 12
    assert left(soon, late) == ["0", "48"]
    assert usd_wallet.entries()[2:] == [("spend", "-10"), ("spend", "-2")]
    assert_clean()


def test_burn_order_is_priority_then_expiry_then_free_before_paid_then_age(usd_wallet: WalletDriver):
    never = usd_wallet.grant("1", days=None)
    younger_twin = usd_wallet.grant("1", days=9)
    usd_wallet.now += timedelta(seconds=1)
    paid = usd_wallet.grant("1", paid=Money(100, "usd"), days=8)
    free = usd_wallet.grant("1", days=8)
    urgent = usd_wallet.grant("1", days=None, priority=1)
    order = [urgent, free, paid, younger_twin, never]
    for emptied in range(1, 6):
        usd_wallet.spend("1")
        assert left(*order) == ["0"] * emptied + ["1"] * (5 - emptied)


def test_of_two_alike_the_older_goes_first(usd_wallet: WalletDriver):
    ends = usd_wallet.now + 9 * DAY
    older = usd_wallet.grant("1", days=9)
    usd_wallet.now += DAY
    younger = usd_wallet.grant("1", days=(ends - usd_wallet.now) / DAY)
    usd_wallet.spend("1")
    assert left(older, younger) == ["0", "1"]


def test_a_spend_that_is_too_large_takes_nothing(usd_wallet: WalletDriver):
    usd_wallet.grant("10")
    with pytest.raises(InsufficientCredits) as refused:
        usd_wallet.spend("10.000001")
    assert refused.value.details["shortfall"] == "0.000001"
    assert usd_wallet.entries() == [("grant", "10")]


def test_a_partial_spend_takes_what_there_is(usd_wallet: WalletDriver):
    usd_wallet.grant("10")
    assert usd_wallet.spend("12", partial=True) == 10
    assert usd_wallet.figures() == figures("0")


def test_a_partial_spend_of_nothing_writes_nothing_and_leaves_its_reference_unused(usd_wallet: WalletDriver):
    assert usd_wallet.spend("12", partial=True, reference="settle:1") == 0
    assert usd_wallet.entries() == []
    usd_wallet.grant("5")
    assert usd_wallet.spend("12", partial=True, reference="settle:1") == 5


def test_under_debt_paid_usage_is_refused(usd_wallet: WalletDriver):
    usd_wallet.owe("1")
    before = usd_wallet.entries()
    with pytest.raises(DebtOutstanding):
        usd_wallet.spend("1")
    assert usd_wallet.spend("1", partial=True) == 0
    assert usd_wallet.entries() == before


def test_the_same_reference_takes_once(usd_wallet: WalletDriver):
    usd_wallet.grant("10", days=5)
    usd_wallet.grant("10")
    assert usd_wallet.spend("12", reference="settle:1") == 12
    assert usd_wallet.spend("12", reference="settle:1") == 12
    assert usd_wallet.figures() == figures("8")


def test_a_repeat_of_a_partial_spend_returns_what_the_first_one_took(usd_wallet: WalletDriver):
    usd_wallet.grant("10")
    assert usd_wallet.spend("12", reference="settle:1", partial=True) == 10
    usd_wallet.grant("10")
    assert usd_wallet.spend("12", reference="settle:1", partial=True) == 10
    assert usd_wallet.figures() == figures("10")


def test_the_same_reference_with_other_content_is_refused(usd_wallet: WalletDriver, globex, usd):
    other = WalletDriver(globex, usd, usd_wallet.now)
    usd_wallet.grant("10")
    other.grant("10", reference="theirs")
    usd_wallet.spend("1", reference="settle:1")
    before = usd_wallet.entries(), other.entries()
    for attempt in (
        lambda: usd_wallet.spend("2", reference="settle:1"),
        lambda: other.spend("1", reference="settle:1"),
        lambda: usd_wallet.grant("1", reference="settle:1"),
        lambda: usd_wallet.grant("10", reference="theirs"),
    ):
        with pytest.raises(ReferenceConflict) as refused:
            attempt()
        assert refused.value.http_status == 409
    assert (usd_wallet.entries(), other.entries()) == before


@pytest.mark.parametrize("reference", ["", "x" * 256, "settle:1#2"])
def test_an_impossible_reference_is_refused_by_name(usd_wallet: WalletDriver, reference):
    usd_wallet.grant("10")
    with pytest.raises(InvalidInput) as refused:
        spend(
            organization=usd_wallet.organization,
            unit="usd",
            amount=1,
            reference=reference,
            at=usd_wallet.now,
            now=usd_wallet.now,
        )
    assert refused.value.field == "reference"
    assert usd_wallet.figures() == figures("10")


@pytest.mark.parametrize("amount", ["0", "-1", "0.0000001", "100000000000000", 0.1])
def test_an_impossible_amount_is_refused_by_name(usd_wallet: WalletDriver, amount):
    usd_wallet.grant("10")
    with pytest.raises(InvalidInput) as refused:
        usd_wallet.spend(amount)
    assert refused.value.field == "amount"
    assert usd_wallet.figures() == figures("10")


@pytest.mark.parametrize("partial", [False, True])
def test_an_unknown_unit_is_refused_by_name(acme, now, partial):
    with pytest.raises(UnknownUnit):
        spend(organization=acme, unit="gold", amount=1, reference="x", at=now, now=now, partial=partial)


def test_usage_is_paid_by_what_was_live_when_it_happened(usd_wallet: WalletDriver):
    lapsing, lasting = usd_wallet.grant("10", days=1), usd_wallet.grant("10")
    used_at = usd_wallet.now + DAY / 2
    usd_wallet.now += 2 * DAY
    assert usd_wallet.spend("4", at=used_at) == 4
    assert left(lapsing, lasting) == ["6", "10"]
    assert usd_wallet.spend("4") == 4
    assert left(lapsing, lasting) == ["6", "6"]


def test_at_the_instant_of_its_expiry_a_grant_pays_nothing(usd_wallet: WalletDriver):
    grant = usd_wallet.grant("10", days=1)
    assert grant.expires_at is not None
    usd_wallet.now += 2 * DAY
    assert usd_wallet.spend("1", at=grant.expires_at, partial=True) == 0
    assert usd_wallet.spend("1", at=grant.expires_at - timedelta(microseconds=1), partial=True) == 1


def test_credits_bought_later_may_pay_for_earlier_usage(usd_wallet: WalletDriver):
    used_at = usd_wallet.now
    usd_wallet.now += DAY
    usd_wallet.grant("10")
    assert usd_wallet.spend("4", at=used_at) == 4


# -- Giving back -----------------------------------------------------------------------------------------------------


def test_giving_back_goes_last_drawn_first_into_the_same_grants(usd_wallet: WalletDriver):
    soon, late = usd_wallet.grant("10", days=5), usd_wallet.grant("50", days=300)
    usd_wallet.spend("15", reference="settle:1")
    assert usd_wallet.restore("settle:1", "7") == 7
    assert left(soon, late) == ["2", "50"]
    assert usd_wallet.restore("settle:1", "100") == 8
    assert left(soon, late) == ["10", "50"]
    assert usd_wallet.restore("settle:1", "1") == 0
    assert_clean()


def test_giving_back_twice_under_one_reference_gives_once(usd_wallet: WalletDriver):
    from credits.services.spending import restore

    usd_wallet.grant("10")
    usd_wallet.spend("5", reference="settle:1")
    for _ in range(2):
        given = restore(reference="void:1", original_reference="settle:1", amount="2", now=usd_wallet.now)
        assert given == 2
    assert usd_wallet.figures() == figures("7")
    with pytest.raises(ReferenceConflict):
        restore(reference="void:1", original_reference="settle:1", amount="3", now=usd_wallet.now)
    assert usd_wallet.figures() == figures("7")


def test_what_is_given_back_to_a_lapsed_grant_is_gone_at_once(usd_wallet: WalletDriver):
    usd_wallet.grant("10", days=1)
    usd_wallet.spend("5", reference="settle:1")
    usd_wallet.now += 2 * DAY
    expire_credits(now=usd_wallet.now)
    assert usd_wallet.restore("settle:1", "5") == 5
    assert usd_wallet.entries()[-2:] == [("restore", "5"), ("expire", "-5")]
    assert usd_wallet.figures() == figures("0")
    assert_clean()


def test_what_is_given_back_repays_debt_first(usd_wallet: WalletDriver):
    usd_wallet.grant("10")
    usd_wallet.spend("4", reference="settle:1")
    usd_wallet.owe("3")
    usd_wallet.restore("settle:1", "4")
    assert usd_wallet.figures() == figures("1")
    assert_clean()


def test_what_is_given_back_to_a_frozen_grant_repays_nothing(usd_wallet: WalletDriver):
    grant = usd_wallet.grant("5")
    usd_wallet.spend("4", reference="settle:1")
    freeze(grant=grant, now=usd_wallet.now)
    usd_wallet.owe("3")
    usd_wallet.restore("settle:1", "4")
    assert usd_wallet.figures() == figures("2", available="0", debt="3")
    assert_clean()


def test_giving_back_a_capture_takes_its_debt_off_first(usd_wallet: WalletDriver):
    usd_wallet.grant("10")
    hold = usd_wallet.capture(usd_wallet.hold("10"), "13")
    assert usd_wallet.restore(f"hold:{hold.public_id}:capture", "5") == 5
    assert usd_wallet.figures() == figures("2")
    assert_clean()


def test_giving_back_debt_that_was_repaid_returns_to_what_repaid_it(usd_wallet: WalletDriver):
    first = usd_wallet.grant("10")
    hold = usd_wallet.capture(usd_wallet.hold("10"), "13")
    second = usd_wallet.grant("20")
    assert left(first, second) == ["0", "17"]
    usd_wallet.restore(f"hold:{hold.public_id}:capture", "13")
    assert left(first, second) == ["10", "20"]
    assert_clean()


def test_of_what_repaid_a_debt_the_last_gets_it_back_first_and_exactly(usd_wallet: WalletDriver):
    hold = usd_wallet.capture(usd_wallet.hold(usd_wallet.grant("1") and "1"), "4")
    capture = f"hold:{hold.public_id}:capture"
    repaying = [usd_wallet.grant("1"), usd_wallet.grant("5")]
    assert left(*repaying) == ["0", "3"]
    usd_wallet.restore(capture, "0.5")
    assert left(*repaying) == ["0", "3.5"]
    usd_wallet.restore(capture, "2")
    assert left(*repaying) == ["0.5", "5"]
    assert_clean()


def test_debt_that_was_repaid_is_given_back_once(usd_wallet: WalletDriver):
    """Two jobs ran into debt, one grant repaid both: the first takes back its own share and never the other's."""
    grant = usd_wallet.grant("10")
    holds = [usd_wallet.hold("5"), usd_wallet.hold("5")]
    first, second = (f"hold:{hold.public_id}:capture" for hold in holds)
    for hold in holds:
        usd_wallet.capture(hold, "8")
    repaying = usd_wallet.grant("20")
    assert left(grant, repaying) == ["0", "14"]
    assert usd_wallet.restore(first, "3") == 3
    assert left(grant, repaying) == ["0", "17"]
    assert usd_wallet.restore(first, "100") == 5
    assert left(grant, repaying) == ["5", "17"]
    assert usd_wallet.restore(first, "100") == 0
    assert usd_wallet.restore(second, "100") == 8
    assert usd_wallet.figures() == figures("30")
    assert_clean()


def test_of_debt_that_was_repaid_in_part_the_rest_comes_back_and_no_more(usd_wallet: WalletDriver):
    """Two jobs ran into debt of 3 each, and 4 of the 6 were repaid: of the first's 3, 2 are still owed."""
    usd_wallet.grant("10")
    holds = [usd_wallet.hold("5"), usd_wallet.hold("5")]
    for hold in holds:
        usd_wallet.capture(hold, "8")
    repaying = [usd_wallet.grant("2"), usd_wallet.grant("2")]
    usd_wallet.restore(f"hold:{holds[0].public_id}:capture", "3")
    assert left(*repaying) == ["0", "1"]
    assert usd_wallet.figures() == figures("1")
    assert_clean()


def test_giving_back_what_was_never_taken_is_refused(usd_wallet: WalletDriver):
    usd_wallet.grant("10", reference="gift:1")
    for original in ("settle:1", "gift:1"):
        with pytest.raises(NotFound):
            usd_wallet.restore(original, "1")
    assert usd_wallet.figures() == figures("10")


# -- Many at once ----------------------------------------------------------------------------------------------------


def debit(usd_wallet: WalletDriver, amount: str, reference: str) -> Debit:
    return Debit(
        organization_id=usd_wallet.organization.pk,
        unit=usd_wallet.unit.pk,
        amount=Decimal(amount),
        reference=reference,
        at=usd_wallet.now,
    )


def test_a_batch_answers_in_the_order_asked_and_keeps_each_wallets_order(usd_wallet: WalletDriver, globex, usd):
    other = WalletDriver(globex, usd, usd_wallet.now)
    other.grant("3")
    usd_wallet.grant("10")
    asked = [debit(usd_wallet, "6", "a"), debit(other, "2", "b"), debit(usd_wallet, "6", "c"), debit(other, "2", "d")]
    assert [f"{one.taken:f}" for one in spend_batch(debits=asked, now=usd_wallet.now)] == [
        "6.000000",
        "2.000000",
        "4.000000",
        "1.000000",
    ]
    assert (usd_wallet.figures(), other.figures()) == (figures("0"), figures("0"))
    assert_clean()


def test_a_batch_repeated_takes_nothing_more(usd_wallet: WalletDriver):
    usd_wallet.grant("10")
    asked = [debit(usd_wallet, "1", "a"), debit(usd_wallet, "2", "b")]
    first = spend_batch(debits=asked, now=usd_wallet.now)
    assert spend_batch(debits=asked, now=usd_wallet.now) == first
    assert usd_wallet.figures() == figures("7")


def test_a_batch_goes_past_organizations_without_credits(usd_wallet: WalletDriver, globex, usd):
    usd_wallet.grant("10")
    asked = [debit(WalletDriver(globex, usd, usd_wallet.now), "5", "a"), debit(usd_wallet, "5", "b")]
    assert [one.taken for one in spend_batch(debits=asked, now=usd_wallet.now)] == [0, 5]


def test_a_batch_finds_credits_of_holds_past_their_deadline(usd_wallet: WalletDriver):
    usd_wallet.grant("10")
    hold = usd_wallet.hold("10")
    usd_wallet.now = hold.expires_at
    assert [one.taken for one in spend_batch(debits=[debit(usd_wallet, "4", "a")], now=usd_wallet.now)] == [4]
    assert_clean()


def test_one_conflict_in_a_batch_leaves_all_as_it_was(usd_wallet: WalletDriver):
    usd_wallet.grant("10")
    usd_wallet.spend("1", reference="a")
    with pytest.raises(ReferenceConflict):
        spend_batch(debits=[debit(usd_wallet, "3", "b"), debit(usd_wallet, "2", "a")], now=usd_wallet.now)
    assert usd_wallet.figures() == figures("9")
    assert not LedgerEntry.objects.filter(reference="b").exists()


def test_an_empty_batch_is_nothing(db, now):
    assert spend_batch(debits=[], now=now) == []
