"""When the apps above are called."""

from datetime import timedelta

import pytest
from django.db import transaction

from credits import hooks
from credits.services.expiry import expire_credits
from credits.services.grants import freeze, thaw
from credits.services.holds import sweep_holds
from credits.services.spending import spend
from tests.credits.wallet_driver import WalletDriver, figures


@pytest.fixture
def heard(monkeypatch) -> list[str]:
    """The names of the hooks that were called, in order."""
    heard: list[str] = []
    for name in ("_available", "_hold_expired"):
        monkeypatch.setattr(hooks, name, [])
    hooks.on_available(lambda *, wallet, now: heard.append("available"))
    hooks.on_hold_expired(lambda *, hold, now: heard.append(f"expired {hold.amount:f}"))
    return heard


def test_whatever_becomes_available_is_told(usd_wallet: WalletDriver, heard, commits):
    with commits():
        grant = usd_wallet.grant("10")
    assert heard == ["available"]
    with commits():
        usd_wallet.release(usd_wallet.hold("4"))
        usd_wallet.capture(usd_wallet.hold("4"), "1")
    assert heard == ["available"] * 3
    with commits():
        usd_wallet.spend("1", reference="settle:1")
        usd_wallet.restore("settle:1", "1")
    assert heard == ["available"] * 4
    with commits():
        freeze(grant=grant, now=usd_wallet.now)
        thaw(grant=grant, now=usd_wallet.now)
    assert heard == ["available"] * 5


def test_what_takes_credits_or_only_repays_debt_tells_nothing(usd_wallet: WalletDriver, heard, commits):
    usd_wallet.owe("5")
    with commits():
        usd_wallet.grant("3")
    assert heard == []
    with commits():
        usd_wallet.grant("5")
    assert heard == ["available"]
    with commits():
        usd_wallet.spend("1")
        usd_wallet.capture(usd_wallet.hold("1"), "4")
    assert heard == ["available"]


def test_what_lapses_and_what_finds_nothing_to_take_tells_nothing(usd_wallet: WalletDriver, heard, commits):
    usd_wallet.grant("10", days=1)
    with commits():
        usd_wallet.spend("10")
        assert usd_wallet.spend("1", partial=True) == 0
    usd_wallet.grant("3", days=1)
    with commits():
        expire_credits(now=usd_wallet.now + timedelta(days=1))
    assert heard == []
    assert usd_wallet.entries()[-1] == ("expire", "-3")


def test_a_repeat_tells_nothing(usd_wallet: WalletDriver, heard, commits):
    with commits():
        usd_wallet.grant("10", reference="g:1")
        usd_wallet.grant("10", reference="g:1")
    assert heard == ["available"]


def test_each_hold_that_expires_is_told_once(usd_wallet: WalletDriver, heard, commits):
    usd_wallet.grant("10")
    usd_wallet.hold("4")
    usd_wallet.hold("3")
    usd_wallet.now += timedelta(hours=1)
    with commits():
        usd_wallet.spend("1")
        sweep_holds(now=usd_wallet.now)
    assert sorted(heard) == ["available", "available", "expired 3.000000", "expired 4.000000"]


def test_a_callback_may_spend_what_became_available(usd_wallet: WalletDriver, heard, commits):
    """As usage does, which pays what was left unpaid."""
    unpaid = ["7"]

    @hooks.on_available
    def pay(*, wallet, now):
        while unpaid:
            spend(
                organization=wallet.organization,
                unit=wallet.unit,
                amount=unpaid.pop(),
                reference="settle:1",
                at=now,
                now=now,
                partial=True,
            )

    with commits():
        usd_wallet.grant("10")
    assert usd_wallet.figures() == figures("3")


@pytest.mark.django_db(transaction=True)
def test_callbacks_wait_for_the_commit_and_a_failing_one_undoes_nothing(usd_wallet: WalletDriver, heard, caplog):
    @hooks.on_available
    def fail(*, wallet, now):
        raise RuntimeError("the tally is down")

    with transaction.atomic():
        usd_wallet.grant("10")
        assert heard == []
    assert heard == ["available"]
    assert "the tally is down" in caplog.text
    assert usd_wallet.figures() == figures("10")


def test_one_wallets_trouble_before_its_expiry_stops_no_other(
    usd_wallet: WalletDriver, sessions, acme, monkeypatch, caplog
):
    def settle(*, wallet, at, now):
        if wallet.unit == usd_wallet.unit:
            raise RuntimeError("its usage cannot be settled")

    monkeypatch.setattr(hooks, "_before_expiry", [settle])
    other = WalletDriver(acme, sessions, usd_wallet.now)
    for each in (usd_wallet, other):
        each.grant("10", days=1)
    usd_wallet.grant("5", days=2)

    lapsed = expire_credits(now=usd_wallet.now + timedelta(days=3))

    assert [(one.wallet, one.amount) for one in lapsed] == [(other.row, 10)]
    assert usd_wallet.entries() == [("grant", "10"), ("grant", "5")]
    assert f"The usd credits of {acme.public_id} cannot lapse" in caplog.text
