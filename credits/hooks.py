"""What the app above, `usage`, does when something happens in the ledger. It registers in its `AppConfig.ready()`.

| hook | called when | what usage does, in `usage/services/` |
|---|---|---|
| `available` | credits can be spent that could not before | pays unpaid usage: `settlement.pay_unpaid_usage` |
| `before_expiry` | lapsed grants are to be posted | pays with them first: `settlement.settle_before_expiry` |
| `hold_expired` | a hold's deadline has passed | publishes that: `holds.announce_expired` |
"""

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Protocol, TypeVar

from django.db import transaction

from credits.models import CreditHold, Wallet


class WalletCallback(Protocol):
    def __call__(self, *, wallet: Wallet, now: datetime) -> object: ...


class BeforeExpiryCallback(Protocol):
    def __call__(self, *, wallet: Wallet, at: datetime, now: datetime) -> object: ...


class HoldCallback(Protocol):
    def __call__(self, *, hold: CreditHold, now: datetime) -> object: ...


Callback = TypeVar("Callback")

_available: list[WalletCallback] = []
_before_expiry: list[BeforeExpiryCallback] = []
_hold_expired: list[HoldCallback] = []


def on_available(callback: WalletCallback) -> WalletCallback:
    """After commit, when credits can be spent that could not before."""
    return _add(_available, callback)


def on_before_expiry(callback: BeforeExpiryCallback) -> BeforeExpiryCallback:
    """Before grants are posted as lapsed at the instant `at`: settle what was used until then, with draws dated before
    `at`. Called with no lock held, in order of `at`, and again when an earlier run was interrupted.
    """
    return _add(_before_expiry, callback)


def on_hold_expired(callback: HoldCallback) -> HoldCallback:
    """After commit, once per hold whose deadline passed."""
    return _add(_hold_expired, callback)


def available(*, wallet_id: int, now: datetime) -> None:
    for callback in _available:
        _on_commit(partial(_call_with_wallet, callback, wallet_id, now))


def before_expiry(*, wallet: Wallet, at: datetime, now: datetime) -> None:
    for callback in _before_expiry:
        callback(wallet=wallet, at=at, now=now)


def hold_expired(*, hold: CreditHold, now: datetime) -> None:
    for callback in _hold_expired:
        _on_commit(partial(callback, hold=hold, now=now))


def _add(callbacks: list[Callback], callback: Callback) -> Callback:
    if callback not in callbacks:
        callbacks.append(callback)
    return callback


def _on_commit(callback: Callable[[], object]) -> None:
    """Robust: the posting stands whatever a callback raises; what it left undone the next tally does."""

    def call() -> None:  # Django logs a function by its name when it fails; a partial has none
        callback()

    transaction.on_commit(call, robust=True)


def _call_with_wallet(callback: WalletCallback, wallet_id: int, now: datetime) -> None:
    callback(wallet=Wallet.objects.select_related("organization", "unit").get(pk=wallet_id), now=now)
