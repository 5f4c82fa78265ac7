"""Warning of credits that will lapse, and posting what has. At read time it has been gone since the instant itself."""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from django.db.models import F

from credits import hooks, ledger
from credits.announcements import announce_expiring
from credits.models import CreditGrant, Wallet
from credits.services.holds import sweep_holds

logger = logging.getLogger(__name__)

# How far ahead each warning is given, and until when: whoever is due the later one is not given the earlier one too.
EXPIRY_WARNINGS = ((timedelta(days=30), timedelta(days=7)), (timedelta(days=7), timedelta()))


@dataclass(frozen=True, slots=True)
class Lapsed:
    """How much of a wallet lapsed at an instant."""

    wallet: Wallet
    at: datetime
    amount: Decimal


def expire_credits(*, now: datetime) -> list[Lapsed]:
    """Post every grant that lapsed until `now`, wallet by wallet, in order of the instants.

    Before each posting, `hooks.before_expiry` settles what was used until that instant: usage is paid by what was live
    when it happened. Running it again, or twice at once, posts nothing more. A wallet in trouble keeps what it has for
    the next run, and does not stop the others.
    """
    # What a hold set free at its deadline lapses, too, and pays for usage before.
    sweep_holds(now=now)
    due = CreditGrant.objects.due(at=now).order_by("wallet_id", "expires_at")
    instants = list(due.values_list("wallet_id", "expires_at").distinct())
    wallets = Wallet.objects.select_related("organization", "unit").in_bulk({wallet_id for wallet_id, _ in instants})
    lapsed: list[Lapsed] = []
    in_trouble: set[int] = set()
    for wallet_id, at in instants:
        assert at is not None  # what is due has an expiry
        if wallet_id in in_trouble:
            continue
        wallet = wallets[wallet_id]
        try:
            amount = _expire(wallet, at, now)
        except Exception:
            logger.exception("The %s credits of %s cannot lapse", wallet.unit_id, wallet.organization.public_id)
            in_trouble.add(wallet_id)
            continue
        if amount:
            lapsed.append(Lapsed(wallet, at, amount))
    return lapsed


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


def _expire(wallet: Wallet, at: datetime, now: datetime) -> Decimal:
    hooks.before_expiry(wallet=wallet, at=at, now=now)  # usage/services/settlement.py: settle_before_expiry
    return ledger.expire(wallet_id=wallet.pk, at=at, now=now).amount
