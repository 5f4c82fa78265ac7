"""Credits have arrived in a wallet: tell the product, and begin the alerts anew."""

from datetime import datetime

from core.background import after_commit
from credits import low_balance
from credits.announcements import announce_grant
from credits.models import AutoTopUp, CreditGrant, Purchase


def credits_arrived(*, grant: CreditGrant, purchase: Purchase | None = None, now: datetime) -> None:
    """Called by everything that grants, in its transaction; once per grant, whoever repeats it."""
    if not announce_grant(grant=grant, purchase=purchase, now=now):
        return
    low_balance.restart(wallet=grant.wallet, now=now)
    if AutoTopUp.objects.filter(wallet=grant.wallet, enabled=True).exists():
        # Debt may have taken all of it: then the next pack is due already, and no draw is left to ask for it.
        after_commit("credits.tasks.top_up_wallet", grant.wallet_id)
