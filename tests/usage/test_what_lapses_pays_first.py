"""Before credits lapse they pay for what was used while they lived, whatever stood in the way until then."""

from datetime import timedelta

import pytest

from credits.models import LedgerEntry
from credits.services.expiry import expire_credits
from credits.services.holds import open_hold

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
