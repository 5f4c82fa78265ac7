"""A job that draws on more than its hold, or on several wallets at once."""

from decimal import Decimal

import pytest
import time_machine

from credits.models import LedgerEntry, Wallet
from credits.services import grants
from credits.services.audit import differences
from plans.models import Meter
from tests.usage.waiting import assert_locked_in_order
from usage.models import SettlementDraw, UsageHold
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


def credit_holds(held):
    """Unit, how it ended and what it took, of each wallet's part."""
    rows = held.credit_holds.select_related("wallet").order_by("pk")
    return [(one.wallet.unit_id, one.status, one.captured, one.debt) for one in rows]


def entries(unit):
    rows = LedgerEntry.objects.filter(wallet__unit=unit).order_by("sequence")
    return [(row.kind, row.amount) for row in rows]


def test_each_wallet_pays_with_what_was_set_aside_in_it(usage):
    usage.grant("mau", 2)
    usage.grant("usd", 1)
    held = hold(usage, "calls", 5)
    capture_usage_hold(hold=held, now=usage.now)
    assert credit_holds(held) == [("mau", "captured", 2, 0), ("usd", "captured", Decimal("0.009"), 0)]
    assert entries("mau") == [("grant", 2), ("capture", -2)]
    assert entries("usd") == [("grant", 1), ("capture", Decimal("-0.009"))]
    draws = [(draw.unit_id, draw.quantity, draw.charged) for draw in SettlementDraw.objects.order_by("pk")]
    assert draws == [("mau", 2, 2), ("usd", 3, Decimal("0.009"))]
    assert differences() == []


def test_a_wallet_that_was_not_needed_is_free_at_once(usage):
    usage.grant("mau", 2)
    usage.grant("usd", 1)
    held = hold(usage, "calls", 5)
    done = capture_usage_hold(hold=held, quantity="1.5", now=usage.now)
    assert (done.captured, done.captured_from_credits, done.debt) == (Decimal("1.5"), Decimal("1.5"), 0)
    assert credit_holds(held) == [("mau", "captured", Decimal("1.5"), 0), ("usd", "released", 0, 0)]
    assert (usage.available("mau"), usage.available("usd")) == (Decimal("0.5"), 1)
    assert not Wallet.objects.filter(held__gt=0).exists()
    assert entries("usd") == [("grant", 1)]


@pytest.mark.parametrize("outcome", [{"quantity": 0}, {"status": "failed"}])
def test_a_job_that_charges_nothing_frees_every_wallet(usage, outcome):
    usage.grant("mau", 2)
    usage.grant("usd", 1)
    held = hold(usage, "calls", 5)
    done = capture_usage_hold(hold=held, now=usage.now, **outcome)
    assert (done.status, done.captured, done.debt) == (UsageHold.Status.CAPTURED, 0, 0)
    assert credit_holds(held) == [("mau", "released", 0, 0), ("usd", "released", 0, 0)]
    assert not Wallet.objects.filter(held__gt=0).exists()
    assert LedgerEntry.objects.exclude(kind="grant").count() == 0


def test_what_is_owed_is_owed_in_the_wallet_that_was_held_last(usage):
    usage.grant("mau", 2)
    usage.grant("usd", "0.009")
    held = hold(usage, "calls", 5)
    done = capture_usage_hold(hold=held, quantity=6, now=usage.now)
    assert (done.captured_from_credits, done.debt) == (6, Decimal("0.003"))
    assert credit_holds(held) == [
        ("mau", "captured", 2, 0),
        ("usd", "captured", Decimal("0.012"), Decimal("0.003")),
    ]
    debts = dict(Wallet.objects.values_list("unit_id", "debt"))
    assert debts == {"mau": 0, "usd": Decimal("0.003")}
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
