"""Many at once: each with a connection of its own, all at the same wallet."""

import random
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal
from threading import Barrier

import pytest
from django.db import connection

from core.errors import PortalError
from credits.models import CreditHold, LedgerEntry, Wallet
from credits.services.expiry import expire_credits
from credits.services.holds import capture_hold, release_hold, sweep_holds
from credits.services.spending import Debit, spend_batch
from tests.credits.wallet_driver import WalletDriver, assert_clean, figures
from tests.factories import OrganizationFactory

pytestmark = pytest.mark.django_db(transaction=True)


def at_once(*calls: Callable[[], object], threads: int = 8) -> Counter[str]:
    """Run them on so many connections and count the outcomes: `ok`, or the code of the refusal."""
    start = Barrier(min(threads, len(calls)))
    waiting = iter(range(start.parties))

    def run(call: Callable[[], object]) -> str:
        try:
            if next(waiting, None) is not None:
                start.wait(timeout=30)
            call()
            return "ok"
        except PortalError as refusal:
            return refusal.code
        finally:
            connection.close()

    with ThreadPoolExecutor(start.parties) as pool:
        return Counter(pool.map(run, calls))


def test_two_hundred_parallel_captures_of_one_on_a_balance_of_a_hundred(usd_wallet: WalletDriver):
    """Every job that could hold its credit was paid; the others were refused and owe nothing."""
    usd_wallet.grant("100")

    def job() -> None:
        usd_wallet.capture(usd_wallet.hold("1"))

    assert at_once(*[job] * 200) == {"ok": 100, "insufficient_credits": 100}
    assert usd_wallet.figures() == figures("0")
    assert LedgerEntry.objects.filter(kind="capture").count() == 100
    assert_clean()


def test_two_hundred_parallel_captures_beyond_the_holds_owe_exactly_the_difference(usd_wallet: WalletDriver):
    """A hundred holds of one, each captured twice as dear, all at once: nothing is lost, nothing refused."""
    usd_wallet.grant("100")
    holds = [usd_wallet.hold("1") for _ in range(100)]
    captures = [lambda hold=hold: capture_hold(hold=hold, amount="2", now=usd_wallet.now) for hold in holds] * 2
    random.shuffle(captures)
    assert at_once(*captures) == {"ok": 200}
    assert usd_wallet.figures() == figures("-100", available="0", debt="100")
    assert_clean()


def test_capture_release_and_expiry_race_for_one_hold_and_one_wins(usd_wallet: WalletDriver):
    for _ in range(10):
        one = WalletDriver(OrganizationFactory(), usd_wallet.unit, usd_wallet.now)
        one.grant("10")
        race_for(one, one.hold("4"))
    assert_clean()


def race_for(usd_wallet: WalletDriver, hold: CreditHold) -> None:
    def own() -> CreditHold:
        return CreditHold.objects.get(pk=hold.pk)

    late = hold.expires_at + timedelta(seconds=1)
    racers = [
        lambda: capture_hold(hold=own(), amount="3", now=usd_wallet.now),
        lambda: release_hold(hold=own(), now=usd_wallet.now),
        lambda: sweep_holds(now=late),
        lambda: expire_credits(now=late),
    ]
    random.shuffle(racers)
    outcomes = at_once(*racers)
    assert outcomes["ok"] + outcomes["hold_ended"] == 4
    status = own().status
    assert status in ("captured", "released", "expired")
    assert usd_wallet.figures(at=late) == figures("7" if status == "captured" else "10")
    assert usd_wallet.entries()[1:] == ([("capture", "-3")] if status == "captured" else [])


def test_one_reference_at_once_spends_once(usd_wallet: WalletDriver):
    usd_wallet.grant("100")
    assert at_once(*[lambda: usd_wallet.spend("7", reference="settle:1")] * 16) == {"ok": 16}
    assert usd_wallet.figures() == figures("93")


def test_one_reference_in_two_wallets_at_once_spends_in_one(usd_wallet: WalletDriver):
    others = [WalletDriver(OrganizationFactory(), usd_wallet.unit, usd_wallet.now) for _ in range(8)]
    for one in others:
        one.grant("100")
    outcomes = at_once(*[lambda one=one: one.spend("7", reference="settle:1") for one in others])
    assert outcomes == {"ok": 1, "conflict": 7}
    assert sum(one.state().balance for one in others) == 793
    assert_clean()


def test_one_grant_reference_at_once_grants_once(usd_wallet: WalletDriver):
    assert at_once(*[lambda: usd_wallet.grant("10", reference="checkout:cs_1")] * 16) == {"ok": 16}
    assert usd_wallet.figures() == figures("10")
    assert_clean()


def test_expiry_by_many_workers_posts_once(usd_wallet: WalletDriver):
    usd_wallet.grant("10", days=1)
    later = usd_wallet.now + timedelta(days=2)
    at_once(*[lambda: expire_credits(now=later)] * 8)
    assert usd_wallet.entries() == [("grant", "10"), ("expire", "-10")]


def test_five_hundred_batches_each_way_end_at_zero(usd_wallet: WalletDriver):
    """Batches name two wallets in either order. None waits for the other for ever, and all adds up."""
    pair = [WalletDriver(OrganizationFactory(), usd_wallet.unit, usd_wallet.now) for _ in range(2)]
    for one in pair:
        one.grant("1000")

    def batch(number: int) -> Callable[[], object]:
        order = pair if number % 2 else pair[::-1]
        debits = [
            Debit(
                organization_id=one.organization.pk,
                unit="usd",
                amount=Decimal(1),
                reference=f"transfer:{number}:{place}",
                at=usd_wallet.now,
            )
            for place, one in enumerate(order)
        ]
        return lambda: spend_batch(debits=debits, now=usd_wallet.now)

    assert at_once(*[batch(number) for number in range(1000)]) == {"ok": 1000}
    assert [one.figures() for one in pair] == [figures("0")] * 2
    assert list(Wallet.objects.values_list("last_sequence", flat=True)) == [1001, 1001]
    assert_clean()
