"""Posting what has lapsed. At read time it has been gone since the instant itself."""

import logging
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from credits import hooks, ledger
from credits.models import CreditGrant, Wallet
from credits.services.holds import sweep_holds

logger = logging.getLogger(__name__)


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


def _expire(wallet: Wallet, at: datetime, now: datetime) -> Decimal:
    hooks.expiry_is_near(wallet=wallet, at=at, now=now)
    return ledger.expire(wallet_id=wallet.pk, at=at, now=now).amount
