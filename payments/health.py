"""Payments' lines of `/readyz`: the inbox, and whose Stripe key this is."""

from datetime import timedelta

from django.utils import timezone

from core.health import Health
from payments.models import StripeAccount, StripeEvent
from payments.models.account import ONLY_ROW
from payments.services.stripe_account import fingerprint

TOO_OLD = timedelta(minutes=15)


def inbox() -> Health:
    """Unready when an event has been waiting for longer than any ordinary outage of a worker."""
    oldest = StripeEvent.objects.unfinished().order_by("received_at").values_list("received_at", flat=True).first()
    if oldest is None:
        return Health(ok=True, detail="nothing is waiting")
    age = timezone.now() - oldest
    return Health(ok=age <= TOO_OLD, detail=f"the oldest unprocessed event has waited {int(age.total_seconds())} s")


def account() -> Health:
    """Unready when the Stripe key has not been seen to belong to the account of this database."""
    known = StripeAccount.objects.filter(pk=ONLY_ROW).first()
    if known is None:
        return Health(ok=True, detail="not asked yet; `manage.py sync_catalog` does")
    if known.key_fingerprint != fingerprint():
        return Health(ok=False, detail="STRIPE_SECRET_KEY has not been verified; `manage.py sync_catalog` does")
    return Health(ok=True, detail="the key belongs to our account")
