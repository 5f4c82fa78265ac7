"""A job that draws on more than its hold, or on several wallets at once."""

from decimal import Decimal

import pytest
import time_machine

from credits.models import Wallet
from credits.services import grants
from credits.services.audit import differences
from plans.models import Meter
from tests.usage.waiting import assert_locked_in_order
from usage.models import UsageHold
from usage.services.capture import capture_usage_hold
from usage.services.holds import open_usage_hold


@pytest.fixture(autouse=True)
def _noon(now):
    with time_machine.travel(now, tick=False):
        yield


def hold(usage, meter, quantity):
    return open_usage_hold(
        organization=usage.organization,
        meter=Meter.objects.get(code=meter),
        quantity=quantity,
        reference="job-1",
        now=usage.now,
    )


def test_credits_under_dispute_pay_for_no_job_and_it_is_owed(usage):
    """The wallet's balance would suffice; nothing of it can be drawn."""
    held = hold(usage, "sessions", 2)
    frozen = usage.grant("usd", 10)
    grants.freeze(grant=frozen, now=usage.now)
    done = capture_usage_hold(hold=held, quantity=14, duration_ms=9000, now=usage.now)
    assert (done.captured_from_allowance, done.captured_from_credits, done.debt) == (10, 4, 2)
    assert usage.paid("sessions") == (4, 4, 0, 0)
    frozen.refresh_from_db()
    assert frozen.remaining == 10
    assert differences() == []


@pytest.mark.django_db(transaction=True)
def test_a_capture_waits_for_the_first_wallet_before_it_locks_the_second(usage):
    """Tried in the order of the rates, two captures could each hold what the other waits for."""
    usage.grant("usd", 10)
    usage.grant("mau", 2)
    usd, mau = Wallet.objects.order_by("pk")
    assert (usd.unit_id, mau.unit_id) == ("usd", "mau")
    held = hold(usage, "calls", 3)
    assert held.credit_holds.count() == 2
    mine = UsageHold.objects.get(pk=held.pk)
    assert_locked_in_order(usd, mau, lambda: capture_usage_hold(hold=mine, now=usage.now))
    held.refresh_from_db()
    assert (held.status, held.debt) == (UsageHold.Status.CAPTURED, 0)
    assert (usage.available("mau"), usage.available("usd")) == (0, Decimal("9.997"))
