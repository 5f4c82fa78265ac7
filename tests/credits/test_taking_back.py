"""Taking credits back, reinstating them, and the frozen grants of disputes."""

from datetime import timedelta

import pytest

from core.errors import InvalidInput, NotFound
from core.money import Money
from credits.errors import InsufficientCredits, ReferenceConflict
from credits.models import CreditGrant
from credits.services.expiry import expire_credits
from credits.services.grants import freeze, reinstate, take_back, thaw
from tests.credits.wallet_driver import WalletDriver, assert_clean, figures

DAY = timedelta(days=1)


def take(usd_wallet: WalletDriver, grant: CreditGrant, amount: str, *, reference: str = "refund:1", owe: bool = True):
    return take_back(
        grant=grant,
        amount=amount,
        reason="Refund",
        actor=None,
        reference=reference,
        now=usd_wallet.now,
        owe_the_rest=owe,
    )


def undo(usd_wallet: WalletDriver, grant: CreditGrant, *, reference: str = "refund:1:failed"):
    return reinstate(
        grant=grant,
        original_reference="refund:1",
        reason="The refund failed",
        actor=None,
        reference=reference,
        now=usd_wallet.now,
    )


def test_a_hundred_for_fifty_dollars_with_forty_used_refunds_sixty_for_thirty(usd_wallet: WalletDriver):
    grant = usd_wallet.grant("100", paid=Money(5000, "usd"))
    usd_wallet.spend("40")
    grant.refresh_from_db()
    share = grant.refundable(at=usd_wallet.now)
    assert (share.credits, share.money) == (60, 3000)


def test_held_and_lapsed_credits_are_not_refundable(usd_wallet: WalletDriver):
    grant = usd_wallet.grant("100", paid=Money(5000, "usd"), days=1)
    usd_wallet.hold("10")
    grant.refresh_from_db()
    assert grant.refundable(at=usd_wallet.now).money == 4500
    assert grant.refundable(at=usd_wallet.now + DAY).money == 0
    assert usd_wallet.grant("5").refundable(at=usd_wallet.now).credits == 0


def test_taking_back_touches_no_other_grant(usd_wallet: WalletDriver):
    other, mine = usd_wallet.grant("50", days=5), usd_wallet.grant("100")
    entries = take(usd_wallet, mine, "60")
    assert [(entry.grant, entry.amount) for entry in entries] == [(mine, -60)]
    other.refresh_from_db()
    assert (other.remaining, mine.remaining) == (50, 40)
    assert_clean()


def test_what_the_grant_no_longer_has_becomes_debt_even_beside_another_grant(usd_wallet: WalletDriver):
    mine = usd_wallet.grant("100", days=5)
    usd_wallet.spend("40")
    other = usd_wallet.grant("50")
    take(usd_wallet, mine, "100")
    other.refresh_from_db()
    assert (mine.remaining, other.remaining) == (0, 50)
    assert usd_wallet.figures() == figures("10", available="50", debt="40")
    assert_clean()


def test_what_the_grant_no_longer_has_may_be_forgiven(usd_wallet: WalletDriver):
    mine = usd_wallet.grant("100")
    usd_wallet.spend("40")
    assert [entry.amount for entry in take(usd_wallet, mine, "100", owe=False)] == [-60]
    assert usd_wallet.figures() == figures("0")
    assert_clean()


def test_what_a_hold_reserves_stays_with_it(usd_wallet: WalletDriver):
    mine = usd_wallet.grant("100")
    hold = usd_wallet.hold("30")
    take(usd_wallet, mine, "100")
    assert usd_wallet.figures() == figures("0", held="30", available="0", debt="30")
    usd_wallet.release(hold)
    assert usd_wallet.figures() == figures("0")
    assert_clean()


def test_taking_back_the_same_twice_takes_once(usd_wallet: WalletDriver):
    mine = usd_wallet.grant("100")
    first = take(usd_wallet, mine, "60")
    assert take(usd_wallet, mine, "60") == first
    assert usd_wallet.figures() == figures("40")
    with pytest.raises(ReferenceConflict):
        take(usd_wallet, mine, "70")
    assert usd_wallet.figures() == figures("40")


@pytest.mark.parametrize("amount", ["0", "-1", "100.000001", "0.0000001"])
def test_an_impossible_amount_is_refused_by_name(usd_wallet: WalletDriver, amount):
    mine = usd_wallet.grant("100")
    with pytest.raises(InvalidInput) as refused:
        take(usd_wallet, mine, amount)
    assert refused.value.field == "amount"
    assert usd_wallet.figures() == figures("100")


def test_a_failed_refund_puts_the_credits_back_for_thirty_days_at_least(usd_wallet: WalletDriver):
    mine = usd_wallet.grant("100", days=1)
    take(usd_wallet, mine, "60")
    assert undo(usd_wallet, mine) == 60
    assert mine.remaining == 100
    assert mine.expires_at == usd_wallet.now + 30 * DAY
    assert usd_wallet.entries()[-1] == ("reinstate", "60")
    assert_clean()


def test_a_failed_refund_never_shortens_a_life(usd_wallet: WalletDriver):
    mine, forever = usd_wallet.grant("100", days=300), usd_wallet.grant("100", days=None)
    for number, grant in enumerate((mine, forever), 1):
        before = grant.expires_at
        take(usd_wallet, grant, "60", reference=f"refund:{number}")
        reinstate(
            grant=grant,
            original_reference=f"refund:{number}",
            reason="",
            actor=None,
            reference=f"undo:{number}",
            now=usd_wallet.now,
        )
        assert grant.expires_at == before


def test_a_failed_refund_undoes_the_debt_it_made(usd_wallet: WalletDriver):
    mine = usd_wallet.grant("100")
    usd_wallet.spend("40")
    take(usd_wallet, mine, "100")
    undo(usd_wallet, mine)
    assert usd_wallet.figures() == figures("60")
    assert_clean()


def test_a_refund_fails_once(usd_wallet: WalletDriver):
    mine = usd_wallet.grant("100")
    take(usd_wallet, mine, "60")
    assert undo(usd_wallet, mine) == undo(usd_wallet, mine) == 60
    with pytest.raises(NotFound):
        undo(usd_wallet, mine, reference="again")
    assert usd_wallet.figures() == figures("100")


def test_a_reinstated_grant_that_had_lapsed_lapses_again_later(usd_wallet: WalletDriver):
    mine = usd_wallet.grant("100", days=1)
    take(usd_wallet, mine, "60")
    usd_wallet.now += 2 * DAY
    assert len(expire_credits(now=usd_wallet.now)) == 1
    undo(usd_wallet, mine)
    assert usd_wallet.figures() == figures("60")
    usd_wallet.now += 31 * DAY
    assert [one.amount for one in expire_credits(now=usd_wallet.now)] == [60]
    assert_clean()


# -- Disputes --------------------------------------------------------------------------------------------------------


def test_a_frozen_grant_cannot_be_spent(usd_wallet: WalletDriver):
    mine = usd_wallet.grant("100")
    freeze(grant=mine, now=usd_wallet.now)
    assert usd_wallet.figures() == figures("100", available="0")
    with pytest.raises(InsufficientCredits):
        usd_wallet.spend("1")
    with pytest.raises(InsufficientCredits):
        usd_wallet.hold("1")


def test_a_hold_on_a_frozen_grant_keeps_its_part(usd_wallet: WalletDriver):
    mine = usd_wallet.grant("100")
    hold = usd_wallet.hold("10")
    freeze(grant=mine, now=usd_wallet.now)
    usd_wallet.capture(hold, "4")
    assert usd_wallet.figures() == figures("96", available="0")
    assert_clean()


def test_a_thawed_grant_has_exactly_the_life_it_had_left(usd_wallet: WalletDriver):
    mine = usd_wallet.grant("100", days=10)
    usd_wallet.now += 9 * DAY
    freeze(grant=mine, now=usd_wallet.now)
    usd_wallet.now += 60 * DAY
    assert expire_credits(now=usd_wallet.now) == []
    thaw(grant=mine, now=usd_wallet.now)
    assert mine.expires_at == usd_wallet.now + DAY
    assert usd_wallet.figures() == figures("100")
    assert_clean()


def test_freezing_and_thawing_twice_change_nothing_more(usd_wallet: WalletDriver):
    mine = usd_wallet.grant("100", days=10)
    freeze(grant=mine, now=usd_wallet.now)
    usd_wallet.now += DAY
    freeze(grant=mine, now=usd_wallet.now)
    assert mine.frozen_at == usd_wallet.now - DAY
    thaw(grant=mine, now=usd_wallet.now)
    ends = mine.expires_at
    thaw(grant=mine, now=usd_wallet.now + DAY)
    assert mine.expires_at == ends


def test_a_lapsed_grant_cannot_be_frozen_back_to_life(usd_wallet: WalletDriver):
    mine = usd_wallet.grant("100", days=1)
    usd_wallet.now += DAY
    freeze(grant=mine, now=usd_wallet.now)
    assert mine.frozen_at is None
    assert usd_wallet.figures() == figures("0")


def test_a_thawed_grant_repays_debt_first(usd_wallet: WalletDriver):
    mine = usd_wallet.grant("100")
    freeze(grant=mine, now=usd_wallet.now)
    usd_wallet.owe("5")
    thaw(grant=mine, now=usd_wallet.now)
    assert usd_wallet.figures() == figures("95")
    assert_clean()


def test_a_lost_dispute_takes_what_is_left_and_the_spent_part_is_debt(usd_wallet: WalletDriver):
    mine = usd_wallet.grant("100")
    usd_wallet.spend("40")
    freeze(grant=mine, now=usd_wallet.now)
    take(usd_wallet, mine, "100")
    assert usd_wallet.figures() == figures("-40", available="0", debt="40")
    assert_clean()
