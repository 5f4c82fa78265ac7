"""Low and exhausted: each said once per top-up, by whoever empties the wallet."""

from datetime import datetime, timedelta
from decimal import Decimal

from django.db import transaction
from django.db.models import F

from core.errors import InvalidInput
from core.locks import for_update
from core.quantities import parse_quantity
from credits.engine.low import is_low, next_watch
from credits.models import AutoTopUp, CreditGrant, Wallet, WalletAlert
from credits.services.announcements import announce_exhausted, announce_expiring, announce_low

# How far ahead each warning is given, and until when: whoever is due the later one is not given the earlier one too.
EXPIRY_WARNINGS = ((timedelta(days=30), timedelta(days=7)), (timedelta(days=7), timedelta()))


@transaction.atomic
def restart(*, wallet: Wallet, now: datetime) -> WalletAlert:
    """Credits were added: what is there now is the new full level, and everything may be said again."""
    alert = _locked(wallet)
    alert.level = _available(wallet, now)
    alert.top_ups = F("top_ups") + 1
    alert.low_said = alert.exhausted_said = False
    alert.save()
    alert.refresh_from_db()
    _watch(alert, now)
    return alert


@transaction.atomic
def say_if_low(*, wallet: Wallet, now: datetime) -> WalletAlert:
    """Credits were used: say what is newly true. Repeats say nothing."""
    alert = _locked(wallet)
    available = _available(wallet, now)
    if not alert.low_said and is_low(available, level=alert.level, threshold=alert.threshold):
        alert.low_said = True
        if available > 0:  # else the one below says it
            announce_low(alert=alert, available=available, now=now)
    if not alert.exhausted_said and alert.level > 0 and available <= 0:
        alert.exhausted_said = True
        announce_exhausted(alert=alert, now=now)
    alert.save(update_fields=["low_said", "exhausted_said"])
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
    alert.low_said = False
    alert.save(update_fields=["threshold", "low_said"])
    return say_if_low(wallet=wallet, now=now)


@transaction.atomic
def watch(*, wallet: Wallet, now: datetime) -> None:
    """Have the ledger call when the balance reaches whatever is of interest next."""
    _watch(_locked(wallet), now)


def warn_of_expiry(*, now: datetime) -> list[CreditGrant]:
    """`credits.expiring`, 30 and 7 days ahead, once each per grant with something left. Run daily or oftener."""
    warned = []
    for ahead, until in EXPIRY_WARNINGS:
        due = (
            CreditGrant.objects.spendable(at=now)
            .filter(expires_at__lte=now + ahead, expires_at__gt=now + until, created_at__lt=F("expires_at") - ahead)
            .select_related("wallet__organization", "wallet__unit")
        )
        for grant in due.iterator():
            if announce_expiring(grant=grant, days=ahead.days, now=now):
                warned.append(grant)
    return warned


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
        low_said=alert.low_said,
        exhausted_said=alert.exhausted_said,
        top_up_at=top_up,
    )
    Wallet.objects.filter(pk=alert.wallet_id).update(watch_at=mark)
