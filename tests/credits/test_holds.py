"""Credits set aside before a job, and settled after it."""

from datetime import timedelta

import pytest

from core.errors import InvalidInput, NotFound
from credits import ledger
from credits.errors import DebtOutstanding, HoldEnded, InsufficientCredits, ReferenceConflict, UnknownUnit
from credits.models import CreditHold, LedgerEntry
from credits.services.holds import get_hold, open_hold, sweep_holds
from tests.credits.wallet_driver import WalletDriver, assert_clean, figures

HOUR = timedelta(hours=1)


def test_a_hold_sets_credits_aside_and_moves_nothing(usd_wallet: WalletDriver):
    usd_wallet.grant("10")
    hold = usd_wallet.hold("4")
    assert hold.status == "open"
    assert hold.expires_at == usd_wallet.now + HOUR
    assert usd_wallet.figures() == figures("10", held="4", available="6")
    assert usd_wallet.entries() == [("grant", "10")]
    assert_clean()


def test_what_open_returns_is_what_was_stored(usd_wallet: WalletDriver):
    usd_wallet.grant("10")
    hold = usd_wallet.hold("4", reference="job-1")
    stored = CreditHold.objects.get(pk=hold.pk)
    for field in CreditHold._meta.concrete_fields:
        assert getattr(hold, field.attname) == getattr(stored, field.attname), field.attname


def test_capturing_exactly_takes_what_was_held(usd_wallet: WalletDriver):
    usd_wallet.grant("10")
    hold = usd_wallet.capture(usd_wallet.hold("4"))
    assert (hold.status, hold.captured, hold.debt) == ("captured", 4, 0)
    assert usd_wallet.figures() == figures("6")
    assert usd_wallet.entries() == [("grant", "10"), ("capture", "-4")]
    assert_clean()


def test_capturing_less_frees_the_rest(usd_wallet: WalletDriver):
    usd_wallet.grant("10")
    usd_wallet.capture(usd_wallet.hold("4"), "1.5")
    assert usd_wallet.figures() == figures("8.5")


def test_capturing_more_draws_on_what_is_available(usd_wallet: WalletDriver):
    usd_wallet.grant("10")
    hold = usd_wallet.capture(usd_wallet.hold("4"), "7")
    assert (hold.captured, hold.debt) == (7, 0)
    assert usd_wallet.figures() == figures("3")


def test_capturing_more_than_there_is_makes_debt_and_never_fails(usd_wallet: WalletDriver):
    usd_wallet.grant("10")
    hold = usd_wallet.capture(usd_wallet.hold("4"), "12.25")
    assert (hold.captured, f"{hold.debt:f}") == (12.25, "2.250000")
    assert usd_wallet.figures() == figures("-2.25", available="0", debt="2.25")
    assert_clean()


def test_a_capture_never_takes_what_another_hold_reserved(usd_wallet: WalletDriver):
    usd_wallet.grant("10")
    mine, other = usd_wallet.hold("4"), usd_wallet.hold("6")
    usd_wallet.capture(mine, "5")
    assert usd_wallet.figures() == figures("5", held="6", available="0", debt="1")
    usd_wallet.capture(other)
    assert usd_wallet.figures() == figures("-1", available="0", debt="1")
    assert_clean()


def test_capturing_zero_charges_nothing_and_frees_all(usd_wallet: WalletDriver):
    usd_wallet.grant("10")
    hold = usd_wallet.capture(usd_wallet.hold("4"), "0")
    assert (hold.status, hold.captured) == ("captured", 0)
    assert usd_wallet.figures() == figures("10")
    assert usd_wallet.entries() == [("grant", "10")]


def test_releasing_frees_all(usd_wallet: WalletDriver):
    usd_wallet.grant("10")
    hold = usd_wallet.release(usd_wallet.hold("4"))
    assert hold.status == "released"
    assert hold.ended_at == usd_wallet.now
    assert usd_wallet.figures() == figures("10")


def test_more_than_is_available_is_refused_with_what_is_missing(usd_wallet: WalletDriver):
    usd_wallet.grant("10")
    usd_wallet.hold("7")
    before = usd_wallet.entries(), usd_wallet.figures()
    with pytest.raises(InsufficientCredits) as refused:
        usd_wallet.hold("5")
    assert refused.value.details == {"unit": "usd", "required": "5", "available": "3", "shortfall": "2"}
    assert (usd_wallet.entries(), usd_wallet.figures()) == before
    assert CreditHold.objects.count() == 1


def test_an_organization_without_a_wallet_has_nothing_to_hold(usd_wallet: WalletDriver):
    with pytest.raises(InsufficientCredits) as refused:
        usd_wallet.hold("5")
    assert refused.value.details["shortfall"] == "5"


def test_debt_refuses_every_hold(usd_wallet: WalletDriver):
    usd_wallet.grant("10")
    usd_wallet.owe("1")
    with pytest.raises(DebtOutstanding) as refused:
        usd_wallet.hold("1")
    assert refused.value.code == "debt"
    assert refused.value.details["debt"] == "1"
    assert not CreditHold.objects.filter(status=CreditHold.Status.OPEN).exists()


def test_the_same_reference_returns_the_first_hold(usd_wallet: WalletDriver):
    usd_wallet.grant("10")
    first = usd_wallet.hold("4", reference="job-1")
    assert usd_wallet.hold("4", reference="job-1").pk == first.pk
    assert usd_wallet.figures() == figures("10", held="4", available="6")


def test_the_same_reference_with_another_amount_is_refused(usd_wallet: WalletDriver):
    usd_wallet.grant("10")
    usd_wallet.hold("4", reference="job-1")
    with pytest.raises(ReferenceConflict):
        usd_wallet.hold("5", reference="job-1")
    assert usd_wallet.figures() == figures("10", held="4", available="6")


def test_organizations_choose_references_without_knowing_each_other(usd_wallet: WalletDriver, globex, usd):
    other = WalletDriver(globex, usd, usd_wallet.now)
    usd_wallet.grant("10")
    other.grant("10")
    assert usd_wallet.hold("4", reference="job-1").pk != other.hold("5", reference="job-1").pk


@pytest.mark.parametrize("amount", [None, "4", "6"])
def test_the_same_capture_again_is_harmless(usd_wallet: WalletDriver, amount):
    usd_wallet.grant("10")
    hold = usd_wallet.hold("4")
    usd_wallet.capture(hold, amount)
    before = usd_wallet.entries(), usd_wallet.figures()
    assert usd_wallet.capture(hold, amount).status == "captured"
    assert (usd_wallet.entries(), usd_wallet.figures()) == before


def test_the_same_release_again_is_harmless(usd_wallet: WalletDriver):
    usd_wallet.grant("10")
    hold = usd_wallet.release(usd_wallet.hold("4"))
    assert usd_wallet.release(hold).status == "released"


def test_another_end_is_refused(usd_wallet: WalletDriver):
    usd_wallet.grant("10")
    captured, released = usd_wallet.hold("4"), usd_wallet.hold("2")
    usd_wallet.capture(captured, "3")
    usd_wallet.release(released)
    before = usd_wallet.entries(), usd_wallet.figures()
    for end in (
        lambda: usd_wallet.release(captured),
        lambda: usd_wallet.capture(captured, "4"),
        lambda: usd_wallet.capture(captured),
        lambda: usd_wallet.capture(released),
        lambda: usd_wallet.capture(released, "0"),
    ):
        with pytest.raises(HoldEnded) as refused:
            end()
        assert refused.value.code == "hold_ended"
    assert (usd_wallet.entries(), usd_wallet.figures()) == before


def test_past_its_deadline_a_hold_counts_as_released_before_any_sweep(usd_wallet: WalletDriver):
    usd_wallet.grant("10")
    hold = usd_wallet.hold("4")
    assert usd_wallet.figures(at=hold.expires_at - timedelta(microseconds=1)) == figures("10", held="4", available="6")
    assert usd_wallet.figures(at=hold.expires_at) == figures("10")
    assert hold.status_at(hold.expires_at) == "expired"


def test_past_its_deadline_a_hold_can_neither_be_captured_nor_released(usd_wallet: WalletDriver):
    usd_wallet.grant("10")
    hold = usd_wallet.hold("4")
    usd_wallet.now = hold.expires_at
    for end in (usd_wallet.capture, usd_wallet.release):
        with pytest.raises(HoldEnded, match="expired"):
            end(hold)
    assert usd_wallet.entries() == [("grant", "10")]


def test_overdue_credits_can_be_held_again_without_waiting_for_the_sweep(usd_wallet: WalletDriver):
    usd_wallet.grant("10")
    first = usd_wallet.hold("10")
    usd_wallet.now = first.expires_at
    usd_wallet.hold("10")
    first.refresh_from_db()
    assert (first.status, first.ended_at) == ("expired", first.expires_at)
    assert usd_wallet.figures() == figures("10", held="10", available="0")
    assert_clean()


def lapse(wallet: WalletDriver) -> None:
    """A day later nothing is due, but whoever posts what lapses looks at the holds first."""
    ledger.expire(wallet_id=wallet.row.pk, at=wallet.now, now=wallet.now)


def thaw(wallet: WalletDriver) -> None:
    grant = wallet.grant("5")
    ledger.freeze(grant_id=grant.pk, now=wallet.now)
    ledger.thaw(grant_id=grant.pk, now=wallet.now)


@pytest.mark.parametrize("size", ["0.000001", "1"])
@pytest.mark.parametrize(
    "act",
    [lambda wallet: wallet.spend("1"), lambda wallet: wallet.hold("1"), lapse, thaw, lambda wallet: wallet.grant("1")],
)
def test_whatever_moves_credits_first_releases_what_is_overdue_be_it_ever_so_small(usd_wallet, act, size):
    usd_wallet.grant("10")
    overdue = usd_wallet.hold(size, expires_at=usd_wallet.now + timedelta(hours=1))
    usd_wallet.now += timedelta(hours=2)
    act(usd_wallet)
    overdue.refresh_from_db()
    assert overdue.status == CreditHold.Status.EXPIRED


@pytest.mark.parametrize("size", ["0.000001", "1"])
def test_a_capture_first_releases_what_is_overdue_be_it_ever_so_small(usd_wallet: WalletDriver, size):
    usd_wallet.grant("10")
    overdue = usd_wallet.hold(size, expires_at=usd_wallet.now + timedelta(hours=1))
    running = usd_wallet.hold("0.5", expires_at=usd_wallet.now + timedelta(hours=3))
    usd_wallet.now += timedelta(hours=2)
    usd_wallet.capture(running)
    overdue.refresh_from_db()
    assert overdue.status == CreditHold.Status.EXPIRED


def test_the_sweep_posts_what_is_overdue_and_nothing_else(usd_wallet: WalletDriver):
    usd_wallet.grant("10")
    short = usd_wallet.hold("4")
    long = usd_wallet.hold("5", expires_at=usd_wallet.now + 2 * HOUR)
    usd_wallet.now += HOUR
    assert sweep_holds(now=usd_wallet.now) == [short]
    assert sweep_holds(now=usd_wallet.now) == []
    long.refresh_from_db()
    assert long.status == "open"
    assert usd_wallet.row.held == 5
    assert_clean()


def test_a_grant_that_lapses_under_a_hold_stays_capturable(usd_wallet: WalletDriver):
    usd_wallet.grant("10", days=0.02)
    hold = usd_wallet.hold("4")
    usd_wallet.now += HOUR / 2
    assert usd_wallet.figures() == figures("4", held="4", available="0")
    usd_wallet.capture(hold, "3")
    assert usd_wallet.figures() == figures("0")
    assert ("expire", "-1") in usd_wallet.entries()
    assert_clean()


def test_a_grant_that_lapsed_under_a_hold_is_gone_at_once_on_release(usd_wallet: WalletDriver):
    usd_wallet.grant("10", days=0.02)
    hold = usd_wallet.hold("4")
    usd_wallet.now += HOUR / 2
    usd_wallet.release(hold)
    assert usd_wallet.figures() == figures("0")
    assert usd_wallet.entries() == [("grant", "10"), ("expire", "-4")]
    assert_clean()


def test_a_deadline_before_the_expiry_gives_credits_back_to_what_was_live_then(usd_wallet: WalletDriver):
    """However late the sweep comes, usage between deadline and expiry can still be paid from the grant."""
    usd_wallet.grant("10", days=0.5)
    hold = usd_wallet.hold("10")
    usd_wallet.now += timedelta(days=1)
    assert usd_wallet.spend("10", at=hold.expires_at + HOUR, partial=True) == 10
    assert_clean()


@pytest.fixture
def outlived(usd_wallet: WalletDriver):
    """7 held of a grant that lapses while the hold is open, and 3 owed for another job."""
    usd_wallet.grant("7", days=0.02)
    hold = usd_wallet.hold("7", expires_at=usd_wallet.now + HOUR)
    usd_wallet.owe("3")
    assert usd_wallet.figures() == figures("4", held="7", available="0", debt="3")
    return hold


def test_what_a_released_hold_frees_of_a_lapsed_grant_repays_no_debt(usd_wallet: WalletDriver, outlived):
    usd_wallet.now += HOUR * 3 / 4
    assert usd_wallet.figures() == figures("4", held="7", available="0", debt="3")
    usd_wallet.release(outlived)
    assert usd_wallet.figures() == figures("-3", available="0", debt="3")
    assert usd_wallet.entries()[-1] == ("expire", "-7")
    assert_clean()


def test_what_a_capture_leaves_of_a_lapsed_grant_repays_no_debt(usd_wallet: WalletDriver, outlived):
    usd_wallet.now += HOUR * 3 / 4
    usd_wallet.capture(outlived, "5")
    assert usd_wallet.figures() == figures("-3", available="0", debt="3")
    assert usd_wallet.entries()[-2:] == [("capture", "-5"), ("expire", "-2")]
    assert_clean()


def test_a_deadline_after_the_expiry_repays_no_debt_before_the_sweep_or_by_it(usd_wallet: WalletDriver, outlived):
    usd_wallet.now += 2 * HOUR
    assert usd_wallet.figures() == figures("-3", available="0", debt="3")
    assert sweep_holds(now=usd_wallet.now) == [outlived]
    assert usd_wallet.figures() == figures("-3", available="0", debt="3")
    assert_clean()


def test_a_deadline_before_the_expiry_repays_debt_first(usd_wallet: WalletDriver):
    usd_wallet.grant("7", days=0.5)
    usd_wallet.hold("7", expires_at=usd_wallet.now + HOUR)
    usd_wallet.owe("3")
    usd_wallet.now += 2 * HOUR
    assert usd_wallet.figures() == figures("4")
    sweep_holds(now=usd_wallet.now)
    assert usd_wallet.figures() == figures("4")
    assert usd_wallet.entries()[-2:] == [("repayment", "-3"), ("repayment", "3")]
    usd_wallet.now += timedelta(days=1)
    assert usd_wallet.figures() == figures("0")
    assert_clean()


def test_a_hold_reserves_in_burn_order_and_captures_in_the_same(usd_wallet: WalletDriver):
    late, soon = usd_wallet.grant("10", days=300), usd_wallet.grant("3", days=5)
    hold = usd_wallet.hold("5")
    usd_wallet.capture(hold, "4")
    assert [(r.grant_id, r.amount) for r in hold.reservations.all()] == [(soon.pk, 3), (late.pk, 2)]
    assert list(LedgerEntry.objects.posting(f"hold:{hold.public_id}:capture").values_list("grant_id", "amount")) == [
        (soon.pk, -3),
        (late.pk, -1),
    ]


@pytest.mark.parametrize(
    "amount", ["0", "-1", "0.0000001", "100000000000000", "NaN", "Infinity", "five", 1.5, None, True]
)
def test_an_impossible_amount_is_refused_by_name(usd_wallet: WalletDriver, amount):
    usd_wallet.grant("10")
    with pytest.raises(InvalidInput) as refused:
        usd_wallet.hold(amount)
    assert refused.value.field == "amount"
    assert usd_wallet.figures() == figures("10")


@pytest.mark.parametrize("amount", ["-1", "0.0000001", "100000000000000"])
def test_an_impossible_capture_is_refused_by_name(usd_wallet: WalletDriver, amount):
    usd_wallet.grant("10")
    hold = usd_wallet.hold("4")
    with pytest.raises(InvalidInput) as refused:
        usd_wallet.capture(hold, amount)
    assert refused.value.field == "amount"
    assert usd_wallet.figures() == figures("10", held="4", available="6")


@pytest.mark.parametrize("ahead", [timedelta(0), -HOUR, timedelta(days=7, microseconds=1)])
def test_a_deadline_in_the_past_or_beyond_seven_days_is_refused(usd_wallet: WalletDriver, ahead):
    usd_wallet.grant("10")
    with pytest.raises(InvalidInput) as refused:
        usd_wallet.hold("1", expires_at=usd_wallet.now + ahead)
    assert refused.value.field == "expires_at"
    assert usd_wallet.figures() == figures("10")


def test_a_deadline_of_exactly_seven_days_is_accepted(usd_wallet: WalletDriver):
    usd_wallet.grant("10")
    assert usd_wallet.hold("1", expires_at=usd_wallet.now + timedelta(days=7)).status == "open"


@pytest.mark.parametrize("reference", ["", "  ", "x" * 256, "nul\0"])
def test_an_impossible_reference_is_refused_by_name(usd_wallet: WalletDriver, reference):
    usd_wallet.grant("10")
    with pytest.raises(InvalidInput) as refused:
        open_hold(organization=usd_wallet.organization, unit="usd", amount="1", reference=reference, now=usd_wallet.now)
    assert refused.value.field == "reference"


def test_an_unknown_unit_is_refused_by_name(usd_wallet: WalletDriver):
    with pytest.raises(UnknownUnit) as refused:
        open_hold(organization=usd_wallet.organization, unit="gold", amount="1", reference="job-1", now=usd_wallet.now)
    assert refused.value.field == "unit"


def test_another_organizations_hold_is_not_found(usd_wallet: WalletDriver, globex):
    usd_wallet.grant("10")
    hold = usd_wallet.hold("1")
    assert get_hold(organization=usd_wallet.organization, public_id=hold.public_id) == hold
    assert get_hold(organization=None, public_id=hold.public_id) == hold
    with pytest.raises(NotFound):
        get_hold(organization=globex, public_id=hold.public_id)
