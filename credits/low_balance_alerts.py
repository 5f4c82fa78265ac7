"""Noticing that a balance runs low: who is notified, once per top-up, and when the next pack is bought.

The ledger calls `balance_fell` itself, whichever service drew on the wallet; so this stands below the services.
"""

from datetime import datetime
from decimal import Decimal

from django.db import transaction
from django.db.models import F

from core.background import after_commit
from core.errors import InvalidInput
from core.locks import for_update
from core.quantities import parse_quantity
from credits.announcements import announce_exhausted, announce_low
from credits.engine.low_balance import is_low, next_watch
from credits.models import AutoTopUp, Wallet, WalletAlert


def balance_fell(*, wallet_id: int, now: datetime) -> None:
    """A draw left `Wallet.watch_at` or less: after the commit notify, and top up where that is asked for.

    The draw stands whatever goes wrong here. Until `watch_at` moves, every further draw comes here again.
    """

    def react() -> None:  # Django logs a function by its name when it fails
        notify_if_low(wallet=Wallet.objects.select_related("organization", "unit").get(pk=wallet_id), now=now)
        after_commit("credits.tasks.top_up_wallet", wallet_id)

    transaction.on_commit(react, robust=True)


@transaction.atomic
def restart(*, wallet: Wallet, now: datetime) -> WalletAlert:
    """Credits were added: what is there now is the new full level, and each alert may be sent again."""
    alert = _locked(wallet)
    alert.level = _available(wallet, now)
    alert.top_ups = F("top_ups") + 1
    alert.low_sent = alert.exhausted_sent = False
    alert.save()
    alert.refresh_from_db()
    _watch(alert, now)
    return alert


@transaction.atomic
def notify_if_low(*, wallet: Wallet, now: datetime) -> WalletAlert:
    """Credits were used: say what is newly true. Repeats say nothing."""
    alert = _locked(wallet)
    available = _available(wallet, now)
    if not alert.low_sent and is_low(available, level=alert.level, threshold=alert.threshold):
        alert.low_sent = True
        if available > 0:  # else the one below says it
            announce_low(alert=alert, available=available, now=now)
    if not alert.exhausted_sent and alert.level > 0 and available <= 0:
        alert.exhausted_sent = True
        announce_exhausted(alert=alert, now=now)
    alert.save(update_fields=["low_sent", "exhausted_sent"])
    _watch(alert, now)
    return alert


@transaction.atomic
def set_threshold(*, wallet: Wallet, threshold: object | None, now: datetime) -> WalletAlert:
    """The organization's own low mark, in credits; None goes back to a fifth. Raises InvalidInput (threshold)."""
    own = None if threshold is None else parse_quantity(threshold, field="threshold")
    if own is not None and own < 0:
        raise InvalidInput("threshold must be zero or more; leave it empty for a fifth.", field="threshold")
    alert = _locked(wallet)
    alert.threshold = own
    alert.low_sent = False
    alert.save(update_fields=["threshold", "low_sent"])
    return notify_if_low(wallet=wallet, now=now)


@transaction.atomic
def watch(*, wallet: Wallet, now: datetime) -> None:
    """Have the ledger call `balance_fell` at the next level that matters."""
    _watch(_locked(wallet), now)


def _locked(wallet: Wallet) -> WalletAlert:
    WalletAlert.objects.get_or_create(wallet=wallet)
    return (
        for_update(WalletAlert.objects.filter(wallet=wallet), of=("self",))
        .select_related("wallet__organization", "wallet__unit")
        .get()
    )


def _available(wallet: Wallet, now: datetime) -> Decimal:
    return Wallet.objects.state(organization=wallet.organization, unit=wallet.unit_id, at=now).available


def _watch(alert: WalletAlert, now: datetime) -> None:
    top_up = AutoTopUp.objects.filter(wallet=alert.wallet_id, enabled=True).values_list("threshold", flat=True).first()
    mark = next_watch(
        level=alert.level,
        threshold=alert.threshold,
        low_sent=alert.low_sent,
        exhausted_sent=alert.exhausted_sent,
        top_up_at=top_up,
    )
    Wallet.objects.filter(pk=alert.wallet_id).update(watch_at=mark)
