"""Credits set aside before a job, and settled after it."""

from datetime import timedelta

import pytest

from core.errors import InvalidInput, NotFound
from credits.errors import DebtOutstanding, HoldEnded, InsufficientCredits, ReferenceConflict, UnknownUnit
from credits.models import CreditHold, LedgerEntry
from credits.services.holds import get_hold, open_hold, sweep_holds
from tests.credits.purse import Purse, assert_clean, figures

HOUR = timedelta(hours=1)


def test_a_hold_sets_credits_aside_and_moves_nothing(purse: Purse):
    purse.grant("10")
    hold = purse.hold("4")
    assert hold.status == "open"
    assert hold.expires_at == purse.now + HOUR
    assert purse.figures() == figures("10", held="4", available="6")
    assert purse.entries() == [("grant", "10")]
    assert_clean()


def test_what_open_returns_is_what_was_stored(purse: Purse):
    purse.grant("10")
    hold = purse.hold("4", reference="job-1")
    stored = CreditHold.objects.get(pk=hold.pk)
    for field in CreditHold._meta.concrete_fields:
        assert getattr(hold, field.attname) == getattr(stored, field.attname), field.attname


def test_capturing_exactly_takes_what_was_held(purse: Purse):
    purse.grant("10")
    hold = purse.capture(purse.hold("4"))
    assert (hold.status, hold.captured, hold.debt) == ("captured", 4, 0)
    assert purse.figures() == figures("6")
    assert purse.entries() == [("grant", "10"), ("capture", "-4")]
    assert_clean()


def test_capturing_less_frees_the_rest(purse: Purse):
    purse.grant("10")
    purse.capture(purse.hold("4"), "1.5")
    assert purse.figures() == figures("8.5")


def test_capturing_more_draws_on_what_is_available(purse: Purse):
    purse.grant("10")
    hold = purse.capture(purse.hold("4"), "7")
    assert (hold.captured, hold.debt) == (7, 0)
    assert purse.figures() == figures("3")


def test_capturing_more_than_there_is_makes_debt_and_never_fails(purse: Purse):
    purse.grant("10")
    hold = purse.capture(purse.hold("4"), "12.25")
    assert (hold.captured, f"{hold.debt:f}") == (12.25, "2.250000")
    assert purse.figures() == figures("-2.25", available="0", debt="2.25")
    assert_clean()


def test_a_capture_never_takes_what_another_hold_reserved(purse: Purse):
    purse.grant("10")
    mine, other = purse.hold("4"), purse.hold("6")
    purse.capture(mine, "5")
    assert purse.figures() == figures("5", held="6", available="0", debt="1")
    purse.capture(other)
    assert purse.figures() == figures("-1", available="0", debt="1")
    assert_clean()


def test_capturing_zero_charges_nothing_and_frees_all(purse: Purse):
    purse.grant("10")
    hold = purse.capture(purse.hold("4"), "0")
    assert (hold.status, hold.captured) == ("captured", 0)
    assert purse.figures() == figures("10")
    assert purse.entries() == [("grant", "10")]


def test_releasing_frees_all(purse: Purse):
    purse.grant("10")
    hold = purse.release(purse.hold("4"))
    assert hold.status == "released"
    assert hold.ended_at == purse.now
    assert purse.figures() == figures("10")


def test_more_than_is_available_is_refused_with_what_is_missing(purse: Purse):
    purse.grant("10")
    purse.hold("7")
    before = purse.entries(), purse.figures()
    with pytest.raises(InsufficientCredits) as refused:
        purse.hold("5")
    assert refused.value.details == {"unit": "usd", "required": "5", "available": "3", "shortfall": "2"}
    assert (purse.entries(), purse.figures()) == before
    assert CreditHold.objects.count() == 1


def test_an_organization_without_a_wallet_has_nothing_to_hold(purse: Purse):
    with pytest.raises(InsufficientCredits) as refused:
        purse.hold("5")
    assert refused.value.details["shortfall"] == "5"


def test_debt_refuses_every_hold(purse: Purse):
    purse.grant("10")
    purse.owe("1")
    with pytest.raises(DebtOutstanding) as refused:
        purse.hold("1")
    assert refused.value.code == "debt"
    assert refused.value.details["debt"] == "1"
    assert CreditHold.objects.open(at=purse.now).count() == 0


def test_the_same_reference_returns_the_first_hold(purse: Purse):
    purse.grant("10")
    first = purse.hold("4", reference="job-1")
    assert purse.hold("4", reference="job-1").pk == first.pk
    assert purse.figures() == figures("10", held="4", available="6")


def test_the_same_reference_with_another_amount_is_refused(purse: Purse):
    purse.grant("10")
    purse.hold("4", reference="job-1")
    with pytest.raises(ReferenceConflict):
        purse.hold("5", reference="job-1")
    assert purse.figures() == figures("10", held="4", available="6")


def test_organizations_choose_references_without_knowing_each_other(purse: Purse, globex, usd):
    other = Purse(globex, usd, purse.now)
    purse.grant("10")
    other.grant("10")
    assert purse.hold("4", reference="job-1").pk != other.hold("5", reference="job-1").pk


@pytest.mark.parametrize("amount", [None, "4", "6"])
def test_the_same_capture_again_is_harmless(purse: Purse, amount):
    purse.grant("10")
    hold = purse.hold("4")
    purse.capture(hold, amount)
    before = purse.entries(), purse.figures()
    assert purse.capture(hold, amount).status == "captured"
    assert (purse.entries(), purse.figures()) == before


def test_the_same_release_again_is_harmless(purse: Purse):
    purse.grant("10")
    hold = purse.release(purse.hold("4"))
    assert purse.release(hold).status == "released"


def test_another_end_is_refused(purse: Purse):
    purse.grant("10")
    captured, released = purse.hold("4"), purse.hold("2")
    purse.capture(captured, "3")
    purse.release(released)
    before = purse.entries(), purse.figures()
    for end in (
        lambda: purse.release(captured),
        lambda: purse.capture(captured, "4"),
        lambda: purse.capture(captured),
        lambda: purse.capture(released),
        lambda: purse.capture(released, "0"),
    ):
        with pytest.raises(HoldEnded) as refused:
            end()
        assert refused.value.code == "hold_ended"
    assert (purse.entries(), purse.figures()) == before


def test_past_its_deadline_a_hold_counts_as_released_before_any_sweep(purse: Purse):
    purse.grant("10")
    hold = purse.hold("4")
    assert purse.figures(at=hold.expires_at - timedelta(microseconds=1)) == figures("10", held="4", available="6")
    assert purse.figures(at=hold.expires_at) == figures("10")
    assert hold.status_at(hold.expires_at) == "expired"


def test_past_its_deadline_a_hold_can_neither_be_captured_nor_released(purse: Purse):
    purse.grant("10")
    hold = purse.hold("4")
    purse.now = hold.expires_at
    for end in (purse.capture, purse.release):
        with pytest.raises(HoldEnded, match="expired"):
            end(hold)
    assert purse.entries() == [("grant", "10")]


def test_overdue_credits_can_be_held_again_without_waiting_for_the_sweep(purse: Purse):
    purse.grant("10")
    first = purse.hold("10")
    purse.now = first.expires_at
    purse.hold("10")
    first.refresh_from_db()
    assert (first.status, first.ended_at) == ("expired", first.expires_at)
    assert purse.figures() == figures("10", held="10", available="0")
    assert_clean()


def test_the_sweep_posts_what_is_overdue_and_nothing_else(purse: Purse):
    purse.grant("10")
    short = purse.hold("4")
    long = purse.hold("5", expires_at=purse.now + 2 * HOUR)
    purse.now += HOUR
    assert sweep_holds(now=purse.now) == [short]
    assert sweep_holds(now=purse.now) == []
    long.refresh_from_db()
    assert long.status == "open"
    assert purse.wallet.held == 5
    assert_clean()


def test_a_grant_that_lapses_under_a_hold_stays_capturable(purse: Purse):
    purse.grant("10", days=0.02)
    hold = purse.hold("4")
    purse.now += HOUR / 2
    assert purse.figures() == figures("4", held="4", available="0")
    purse.capture(hold, "3")
    assert purse.figures() == figures("0")
    assert ("expire", "-1") in purse.entries()
    assert_clean()


def test_a_grant_that_lapsed_under_a_hold_is_gone_at_once_on_release(purse: Purse):
    purse.grant("10", days=0.02)
    hold = purse.hold("4")
    purse.now += HOUR / 2
    purse.release(hold)
    assert purse.figures() == figures("0")
    assert purse.entries() == [("grant", "10"), ("expire", "-4")]
    assert_clean()


def test_a_deadline_before_the_expiry_gives_credits_back_to_what_was_live_then(purse: Purse):
    """However late the sweep comes, usage between deadline and expiry can still be paid from the grant."""
    purse.grant("10", days=0.5)
    hold = purse.hold("10")
    purse.now += timedelta(days=1)
    assert purse.spend("10", at=hold.expires_at + HOUR, partial=True) == 10
    assert_clean()


@pytest.fixture
def outlived(purse: Purse):
    """7 held of a grant that lapses while the hold is open, and 3 owed for another job."""
    purse.grant("7", days=0.02)
    hold = purse.hold("7", expires_at=purse.now + HOUR)
    purse.owe("3")
    assert purse.figures() == figures("4", held="7", available="0", debt="3")
    return hold


def test_what_a_released_hold_frees_of_a_lapsed_grant_repays_no_debt(purse: Purse, outlived):
    purse.now += HOUR * 3 / 4
    assert purse.figures() == figures("4", held="7", available="0", debt="3")
    purse.release(outlived)
    assert purse.figures() == figures("-3", available="0", debt="3")
    assert purse.entries()[-1] == ("expire", "-7")
    assert_clean()


def test_what_a_capture_leaves_of_a_lapsed_grant_repays_no_debt(purse: Purse, outlived):
    purse.now += HOUR * 3 / 4
    purse.capture(outlived, "5")
    assert purse.figures() == figures("-3", available="0", debt="3")
    assert purse.entries()[-2:] == [("capture", "-5"), ("expire", "-2")]
    assert_clean()


def test_a_deadline_after_the_expiry_repays_no_debt_before_the_sweep_or_by_it(purse: Purse, outlived):
    purse.now += 2 * HOUR
    assert purse.figures() == figures("-3", available="0", debt="3")
    assert sweep_holds(now=purse.now) == [outlived]
    assert purse.figures() == figures("-3", available="0", debt="3")
    assert_clean()


def test_a_deadline_before_the_expiry_repays_debt_first(purse: Purse):
    purse.grant("7", days=0.5)
    purse.hold("7", expires_at=purse.now + HOUR)
    purse.owe("3")
    purse.now += 2 * HOUR
    assert purse.figures() == figures("4")
    sweep_holds(now=purse.now)
    assert purse.figures() == figures("4")
    assert purse.entries()[-2:] == [("repayment", "-3"), ("repayment", "3")]
    purse.now += timedelta(days=1)
    assert purse.figures() == figures("0")
    assert_clean()


def test_a_hold_reserves_in_burn_order_and_captures_in_the_same(purse: Purse):
    late, soon = purse.grant("10", days=300), purse.grant("3", days=5)
    hold = purse.hold("5")
    purse.capture(hold, "4")
    assert [(r.grant_id, r.amount) for r in hold.reservations.all()] == [(soon.pk, 3), (late.pk, 2)]
    assert list(LedgerEntry.objects.posting(f"hold:{hold.public_id}:capture").values_list("grant_id", "amount")) == [
        (soon.pk, -3),
        (late.pk, -1),
    ]


@pytest.mark.parametrize(
    "amount", ["0", "-1", "0.0000001", "100000000000000", "NaN", "Infinity", "five", 1.5, None, True]
)
def test_an_impossible_amount_is_refused_by_name(purse: Purse, amount):
    purse.grant("10")
    with pytest.raises(InvalidInput) as refused:
        purse.hold(amount)
    assert refused.value.field == "amount"
    assert purse.figures() == figures("10")


@pytest.mark.parametrize("amount", ["-1", "0.0000001", "100000000000000"])
def test_an_impossible_capture_is_refused_by_name(purse: Purse, amount):
    purse.grant("10")
    hold = purse.hold("4")
    with pytest.raises(InvalidInput) as refused:
        purse.capture(hold, amount)
    assert refused.value.field == "amount"
    assert purse.figures() == figures("10", held="4", available="6")


@pytest.mark.parametrize("ahead", [timedelta(0), -HOUR, timedelta(days=7, microseconds=1)])
def test_a_deadline_in_the_past_or_beyond_seven_days_is_refused(purse: Purse, ahead):
    purse.grant("10")
    with pytest.raises(InvalidInput) as refused:
        purse.hold("1", expires_at=purse.now + ahead)
    assert refused.value.field == "expires_at"
    assert purse.figures() == figures("10")


def test_a_deadline_of_exactly_seven_days_is_accepted(purse: Purse):
    purse.grant("10")
    assert purse.hold("1", expires_at=purse.now + timedelta(days=7)).status == "open"


@pytest.mark.parametrize("reference", ["", "  ", "x" * 256, "nul\0"])
def test_an_impossible_reference_is_refused_by_name(purse: Purse, reference):
    purse.grant("10")
    with pytest.raises(InvalidInput) as refused:
        open_hold(organization=purse.organization, unit="usd", amount="1", reference=reference, now=purse.now)
    assert refused.value.field == "reference"


def test_an_unknown_unit_is_refused_by_name(purse: Purse):
    with pytest.raises(UnknownUnit) as refused:
        open_hold(organization=purse.organization, unit="gold", amount="1", reference="job-1", now=purse.now)
    assert refused.value.field == "unit"


def test_another_organizations_hold_is_not_found(purse: Purse, globex):
    purse.grant("10")
    hold = purse.hold("1")
    assert get_hold(organization=purse.organization, public_id=hold.public_id) == hold
    assert get_hold(organization=None, public_id=hold.public_id) == hold
    with pytest.raises(NotFound):
        get_hold(organization=globex, public_id=hold.public_id)
