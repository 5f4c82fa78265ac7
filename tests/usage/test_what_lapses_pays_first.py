"""Before credits lapse they pay for what was used while they lived, whatever stood in the way until then."""

from datetime import timedelta

import pytest

from credits.models import LedgerEntry, Wallet
from credits.services.expiry import expire_credits
from credits.services.holds import open_hold
from tests.usage.waiting import assert_locked_in_order
from usage.models import SettlementDraw
from usage.services.tally import tally

HOUR = timedelta(hours=1)


def expired(organization):
    entries = LedgerEntry.objects.filter(wallet__organization=organization, kind=LedgerEntry.Kind.EXPIRE)
    return -sum(entry.amount for entry in entries)


@pytest.mark.parametrize(("held", "paid_at_once"), [("10", 0), ("8", 4)])
def test_credits_that_a_hold_set_free_in_time_pay_before_they_lapse(usage, held, paid_at_once):
    usage.grant("usd", 10, expires_at=usage.now + 3 * HOUR)
    open_hold(
        organization=usage.organization,
        unit="usd",
        amount=held,
        reference="job",
        expires_at=usage.now + HOUR,
        now=usage.now,
    )
    usage.report("sessions", 16)
    usage.tally()
    assert usage.paid("sessions") == (6, paid_at_once, 0, 6 - paid_at_once)

    expire_credits(now=usage.now + 4 * HOUR)

    assert usage.paid("sessions") == (6, 6, 0, 0)
    assert expired(usage.organization) == 7


@pytest.mark.django_db(transaction=True)
def test_a_tally_waits_for_the_first_wallet_before_it_pays_from_what_lapsed_in_the_second(usage):
    """What lapsed is drawn before the present is: a capture that locks both in order must not meet it halfway."""
    usage.grant("usd", 10)
    usage.grant("mau", 1, expires_at=usage.now + HOUR)
    usd, mau = Wallet.objects.order_by("pk")
    assert (usd.unit_id, mau.unit_id) == ("usd", "mau")
    usage.report("calls", quantity="1")
    usage.report("calls", quantity="3", at=usage.now + 2 * HOUR, now=usage.now + 2 * HOUR)
    assert_locked_in_order(usd, mau, lambda: tally(now=usage.now + 3 * HOUR))
    assert [draw.unit_id for draw in SettlementDraw.objects.all()] == ["mau", "usd"]
