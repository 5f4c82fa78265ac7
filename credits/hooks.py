"""What apps above do when something happens in the ledger. They fill these lists in their `AppConfig.ready()`."""

from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

from django.db import transaction

if TYPE_CHECKING:
    from credits.models import CreditHold, Wallet


class WalletCallback(Protocol):
    def __call__(self, *, wallet: "Wallet", now: datetime) -> object: ...


class BeforeExpiryCallback(Protocol):
    def __call__(self, *, wallet: "Wallet", at: datetime, now: datetime) -> object: ...


class HoldCallback(Protocol):
    def __call__(self, *, hold: "CreditHold", now: datetime) -> object: ...


_available: list[WalletCallback] = []
_before_expiry: list[BeforeExpiryCallback] = []
_hold_expired: list[HoldCallback] = []


def on_available(callback: WalletCallback) -> WalletCallback:
    """After commit, when credits can be spent that could not before: pay unpaid usage, oldest first."""
    return _add(_available, callback)


def before_expiry(callback: BeforeExpiryCallback) -> BeforeExpiryCallback:
    """Before grants lapse at the instant `at`: settle what was used until then, with draws dated before `at`.

    Called with no lock held, in order of `at`, and again when an earlier run was interrupted.
    """
    return _add(_before_expiry, callback)


def on_hold_expired(callback: HoldCallback) -> HoldCallback:
    """After commit, once per hold whose deadline passed."""
    return _add(_hold_expired, callback)


def available(*, wallet_id: int, now: datetime) -> None:
    _after_commit(_available, wallet_id=wallet_id, now=now)


def hold_expired(*, hold: "CreditHold", now: datetime) -> None:
    for callback in _hold_expired:
        _on_commit(callback, hold=hold, now=now)


def expiry_is_near(*, wallet: "Wallet", at: datetime, now: datetime) -> None:
    for callback in _before_expiry:
        callback(wallet=wallet, at=at, now=now)


def _add(callbacks: list[Any], callback: Any) -> Any:
    if callback not in callbacks:
        callbacks.append(callback)
    return callback


def _after_commit(callbacks: list[WalletCallback], *, wallet_id: int, now: datetime) -> None:
    """Robust: the posting stands whatever a callback raises; what it left undone the next tally does."""
    for callback in callbacks:
        _on_commit(_call, callback, wallet_id, now)


def _on_commit(callback: Any, *args: Any, **values: Any) -> None:
    def call() -> None:  # not a partial: Django names the function when it logs that it failed
        callback(*args, **values)

    transaction.on_commit(call, robust=True)


def _call(callback: WalletCallback, wallet_id: int, now: datetime) -> None:
    from credits.models import Wallet

    callback(wallet=Wallet.objects.select_related("organization", "unit").get(pk=wallet_id), now=now)
