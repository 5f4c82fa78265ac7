"""Whose Stripe account this database is about. A key of another account is refused before anything can be mixed up."""

import logging
from datetime import datetime

from django.conf import settings
from django.db import DatabaseError
from django.utils import timezone
from django.utils.crypto import salted_hmac

from core.errors import Unavailable
from payments.errors import WrongAccount
from payments.gateway import accounts
from payments.models import StripeAccount
from payments.models.account import ONLY_ROW

logger = logging.getLogger(__name__)


def verify(*, now: datetime) -> StripeAccount:
    """Make sure that the key belongs to the mirror's account; the first key ever seen decides which that is.

    Asks Stripe only for a key that it has not verified before. Raises `WrongAccount`, and `StripeUnavailable` or
    `StripeKeyRefused` when Stripe cannot or will not answer.
    """
    known = StripeAccount.objects.filter(pk=ONLY_ROW).first()
    if known and known.key_fingerprint == fingerprint():
        return known
    at_stripe = accounts.current()
    if known and known.stripe_id != at_stripe["id"]:
        raise WrongAccount(
            f"STRIPE_SECRET_KEY belongs to Stripe account {at_stripe['id']}, but this database is about "
            f"{known.stripe_id}. Use a key of that account, or an empty database for the other one."
        )
    account, _ = StripeAccount.objects.update_or_create(
        pk=ONLY_ROW,
        defaults={
            "stripe_id": at_stripe["id"],
            "name": ((at_stripe.get("settings") or {}).get("dashboard") or {}).get("display_name") or "",
            "livemode": settings.STRIPE_LIVE_MODE,
            "key_fingerprint": fingerprint(),
            "verified_at": now,
        },
    )
    return account


def refuse_wrong_account() -> None:
    """For the start of a server or worker: raises `WrongAccount`; anything else that is in the way is only logged,
    since a portal must start while Stripe is down.
    """
    try:
        verify(now=timezone.now())
    except (Unavailable, DatabaseError) as error:
        logger.warning("Could not verify which Stripe account STRIPE_SECRET_KEY belongs to: %s", error)


def fingerprint() -> str:
    """A keyed hash of the secret key: distinguishes keys without giving one away."""
    return salted_hmac("payments.account", settings.STRIPE_SECRET_KEY, algorithm="sha256").hexdigest()
