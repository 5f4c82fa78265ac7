"""Stripe's errors become those of `payments.errors`.

Source of the kinds: https://docs.stripe.com/api/errors and https://docs.stripe.com/error-handling
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import stripe

from core.errors import Unavailable
from payments.errors import (
    CardDeclined,
    StripeKeyRefused,
    StripeKeyReused,
    StripeNotFound,
    StripeRefused,
    StripeUnavailable,
)
from payments.stripe_objects.fields import StripeObject

logger = logging.getLogger(__name__)


@contextmanager
def translated() -> Iterator[None]:
    """Raise our errors for Stripe's. Anything that is not Stripe's passes through."""
    try:
        yield
    except stripe.StripeError as error:
        raise translate(error) from error


def translate(error: stripe.StripeError) -> Unavailable | CardDeclined | StripeRefused:
    message = error.user_message or str(error)
    if isinstance(error, stripe.CardError):
        return _declined(error, message)
    if isinstance(error, stripe.AuthenticationError | stripe.PermissionError):
        logger.error("Stripe refused STRIPE_SECRET_KEY: %s", message)
        return StripeKeyRefused("Payments are not available at the moment. Please try again later.")
    if _may_succeed_later(error):
        logger.warning("Stripe is unavailable: %s", error)
        return StripeUnavailable("Our payment provider is not answering. Nothing was charged twice; please try again.")
    return _kind_of_refusal(error)(message, stripe_code=error.code or "", param=getattr(error, "param", None) or "")


def _kind_of_refusal(error: stripe.StripeError) -> type[StripeRefused]:
    if isinstance(error, stripe.IdempotencyError):
        return StripeKeyReused
    return StripeNotFound if error.code == "resource_missing" and error.http_status == 404 else StripeRefused


def _may_succeed_later(error: stripe.StripeError) -> bool:
    if isinstance(error, stripe.APIConnectionError | stripe.RateLimitError):
        return True
    if error.http_status is None or error.http_status >= 500 or error.http_status == 429:
        return True
    # Somebody else is using this idempotency key right now, or the object is locked: the same call later will do.
    return error.http_status == 409 or error.code in ("idempotency_key_in_use", "lock_timeout")


def _declined(error: stripe.CardError, message: str) -> CardDeclined:
    body: StripeObject = error.json_body if isinstance(error.json_body, dict) else {}
    details = body.get("error", {})
    intent = details.get("payment_intent") or {}
    return CardDeclined(
        message,
        stripe_code=error.code or "",
        decline_code=details.get("decline_code") or "",
        payment_intent=intent.get("id", "") if isinstance(intent, dict) else str(intent),
    )
