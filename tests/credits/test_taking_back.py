"""Taking credits back, reinstating them, and the frozen grants of disputes."""

from datetime import timedelta

import pytest

from core.errors import InvalidInput, NotFound
from core.money import Money
from credits.errors import InsufficientCredits, ReferenceConflict
from credits.models import CreditGrant
from credits.services.expiry import expire_credits
from credits.services.grants import freeze, reinstate, take_back, thaw
from tests.credits.purse import Purse, assert_clean, figures

DAY = timedelta(days=1)


def take(purse: Purse, grant: CreditGrant, amount: str, *, reference: str = "refund:1", owe: bool = True):
    return take_back(
        grant=grant,
        amount=amount,
        reason="Refund",
        actor=None,
        reference=reference,
        now=purse.now,
        owe_the_rest=owe,
    )


def undo(purse: Purse, grant: CreditGrant, *, reference: str = "refund:1:failed"):
    return reinstate(
        grant=grant,
        original_reference="refund:1",
        reason="The refund failed",
        actor=None,
        reference=reference,
        now=purse.now,
    )


def test_a_hundred_for_fifty_dollars_with_forty_used_refunds_sixty_for_thirty(purse: Purse):
    grant = purse.grant("100", paid=Money(5000, "usd"))
    purse.spend("40")
    grant.refresh_from_db()
    share = grant.refundable(at=purse.now)
    assert (share.credits, share.money) == (60, 3000)


def test_held_and_lapsed_credits_are_not_refundable(purse: Purse):
    grant = purse.grant("100", paid=Money(5000, "usd"), days=1)
    purse.hold("10")
    grant.refresh_from_db()
    assert grant.refundable(at=purse.now).money == 4500
    assert grant.refundable(at=purse.now + DAY).money == 0
    assert purse.grant("5").refundable(at=purse.now).credits == 0


def test_taking_back_touches_no_other_grant(purse: Purse):
    other, mine = purse.grant("50", days=5), purse.grant("100")
    entries = take(purse, mine, "60")
    assert [(entry.grant, entry.amount) for entry in entries] == [(mine, -60)]
    other.refresh_from_db()
    assert (other.remaining, mine.remaining) == (50, 40)
    assert_clean()


def test_what_the_grant_no_longer_has_becomes_debt_even_beside_another_grant(purse: Purse):
    mine = purse.grant("100", days=5)
    purse.spend("40")
    other = purse.grant("50")
    take(purse, mine, "100")
    other.refresh_from_db()
    assert (mine.remaining, other.remaining) == (0, 50)
    assert purse.figures() == figures("10", available="50", debt="40")
    assert_clean()


def test_what_the_grant_no_longer_has_may_be_forgiven(purse: Purse):
    mine = purse.grant("100")
    purse.spend("40")
    assert [entry.amount for entry in take(purse, mine, "100", owe=False)] == [-60]
    assert purse.figures() == figures("0")
    assert_clean()


def test_what_a_hold_reserves_stays_with_it(purse: Purse):
    mine = purse.grant("100")
    hold = purse.hold("30")
    take(purse, mine, "100")
    assert purse.figures() == figures("0", held="30", available="0", debt="30")
    purse.release(hold)
    assert purse.figures() == figures("0")
    assert_clean()


def test_taking_back_the_same_twice_takes_once(purse: Purse):
    mine = purse.grant("100")
    first = take(purse, mine, "60")
    assert take(purse, mine, "60") == first
    assert purse.figures() == figures("40")
    with pytest.raises(ReferenceConflict):
        take(purse, mine, "70")
    assert purse.figures() == figures("40")


@pytest.mark.parametrize("amount", ["0", "-1", "100.000001", "0.0000001"])
def test_an_impossible_amount_is_refused_by_name(purse: Purse, amount):
    mine = purse.grant("100")
    with pytest.raises(InvalidInput) as refused:
        take(purse, mine, amount)
    assert refused.value.field == "amount"
    assert purse.figures() == figures("100")


def test_a_failed_refund_puts_the_credits_back_for_thirty_days_at_least(purse: Purse):
    mine = purse.grant("100", days=1)
    take(purse, mine, "60")
    assert undo(purse, mine) == 60
    assert mine.remaining == 100
    assert mine.expires_at == purse.now + 30 * DAY
    assert purse.entries()[-1] == ("reinstate", "60")
    assert_clean()


def test_a_failed_refund_never_shortens_a_life(purse: Purse):
    mine, forever = purse.grant("100", days=300), purse.grant("100", days=None)
    for number, grant in enumerate((mine, forever), 1):
        before = grant.expires_at
        take(purse, grant, "60", reference=f"refund:{number}")
        reinstate(
            grant=grant,
            original_reference=f"refund:{number}",
            reason="",
            actor=None,
            reference=f"undo:{number}",
            now=purse.now,
        )
        assert grant.expires_at == before


def test_a_failed_refund_undoes_the_debt_it_made(purse: Purse):
    mine = purse.grant("100")
    purse.spend("40")
    take(purse, mine, "100")
    undo(purse, mine)
    assert purse.figures() == figures("60")
    assert_clean()


def test_a_refund_fails_once(purse: Purse):
    mine = purse.grant("100")
    take(purse, mine, "60")
    assert undo(purse, mine) == undo(purse, mine) == 60
    with pytest.raises(NotFound):
        undo(purse, mine, reference="again")
    assert purse.figures() == figures("100")


def test_a_reinstated_grant_that_had_lapsed_lapses_again_later(purse: Purse):
    mine = purse.grant("100", days=1)
    take(purse, mine, "60")
    purse.now += 2 * DAY
    assert len(expire_credits(now=purse.now)) == 1
    undo(purse, mine)
    assert purse.figures() == figures("60")
    purse.now += 31 * DAY
    assert [one.amount for one in expire_credits(now=purse.now)] == [60]
    assert_clean()


# -- Disputes --------------------------------------------------------------------------------------------------------


def test_a_frozen_grant_cannot_be_spent(purse: Purse):
    mine = purse.grant("100")
    freeze(grant=mine, now=purse.now)
    assert purse.figures() == figures("100", available="0")
    with pytest.raises(InsufficientCredits):
        purse.spend("1")
    with pytest.raises(InsufficientCredits):
        purse.hold("1")


def test_a_hold_on_a_frozen_grant_keeps_its_part(purse: Purse):
    mine = purse.grant("100")
    hold = purse.hold("10")
    freeze(grant=mine, now=purse.now)
    purse.capture(hold, "4")
    assert purse.figures() == figures("96", available="0")
    assert_clean()


def test_a_thawed_grant_has_exactly_the_life_it_had_left(purse: Purse):
    mine = purse.grant("100", days=10)
    purse.now += 9 * DAY
    freeze(grant=mine, now=purse.now)
    purse.now += 60 * DAY
    assert expire_credits(now=purse.now) == []
    thaw(grant=mine, now=purse.now)
    assert mine.expires_at == purse.now + DAY
    assert purse.figures() == figures("100")
    assert_clean()


def test_freezing_and_thawing_twice_change_nothing_more(purse: Purse):
    mine = purse.grant("100", days=10)
    freeze(grant=mine, now=purse.now)
    purse.now += DAY
    freeze(grant=mine, now=purse.now)
    assert mine.frozen_at == purse.now - DAY
    thaw(grant=mine, now=purse.now)
    ends = mine.expires_at
    thaw(grant=mine, now=purse.now + DAY)
    assert mine.expires_at == ends


def test_a_lapsed_grant_cannot_be_frozen_back_to_life(purse: Purse):
    mine = purse.grant("100", days=1)
    purse.now += DAY
    freeze(grant=mine, now=purse.now)
    assert mine.frozen_at is None
    assert purse.figures() == figures("0")


def test_a_thawed_grant_repays_debt_first(purse: Purse):
    mine = purse.grant("100")
    freeze(grant=mine, now=purse.now)
    purse.owe("5")
    thaw(grant=mine, now=purse.now)
    assert purse.figures() == figures("95")
    assert_clean()


def test_a_lost_dispute_takes_what_is_left_and_the_spent_part_is_debt(purse: Purse):
    mine = purse.grant("100")
    purse.spend("40")
    freeze(grant=mine, now=purse.now)
    take(purse, mine, "100")
    assert purse.figures() == figures("-40", available="0", debt="40")
    assert_clean()
