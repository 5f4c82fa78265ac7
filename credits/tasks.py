"""What the workers do for credits."""

from celery import shared_task
from django.utils import timezone

from credits import reconciliation
from credits.models import Purchase, Wallet
from credits.services import audit, expiry, payment_sweep, top_ups


@shared_task
def expire_credits() -> None:
    expiry.expire_credits(now=timezone.now())


@shared_task
def audit_ledger() -> None:
    """Raises when a wallet does not add up, so that the worker's log and monitoring show it too."""
    run = audit.audit_ledger(now=timezone.now())
    if not run.is_clean:
        raise RuntimeError("; ".join(run.differences))


@shared_task
def top_up_wallet(wallet_id: int) -> None:
    wallet = Wallet.objects.select_related("organization").get(pk=wallet_id)
    top_ups.top_up_if_low(wallet=wallet, now=timezone.now())


@shared_task
def follow_money(purchase_id: int) -> None:
    """A payment that was refunded or disputed before we heard of it."""
    reconciliation.follow_money_of(purchase=Purchase.objects.get(pk=purchase_id), now=timezone.now())


@shared_task
def sweep_payments() -> None:
    """Ask Stripe again for what it never answered, and buy what standing orders ask for."""
    now = timezone.now()
    payment_sweep.send_unanswered(now=now)
    payment_sweep.top_up_low_wallets(now=now)


@shared_task
def warn_of_expiry() -> None:
    expiry.warn_of_expiry(now=timezone.now())
