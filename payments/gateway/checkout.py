"""Hosted checkout pages. https://docs.stripe.com/api/checkout/sessions

`metadata` is put on the session and on what it makes (payment intent, setup intent or subscription), so that whatever
object an event speaks of names our row.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from django.conf import settings

from payments.gateway.client import read, read_all, write
from payments.stripe_objects.fields import StripeObject

EXPAND = ["line_items", "payment_intent.latest_charge"]


def create_payment(
    *,
    customer: str,
    line_items: Sequence[Mapping[str, object]],
    success_url: str,
    cancel_url: str,
    metadata: Mapping[str, str],
    idempotency_key: str,
    client_reference_id: str | None = None,
    save_card: bool = False,
    expires_at: datetime | None = None,
    description: str | None = None,
) -> StripeObject:
    """Pay once. `line_items` are `{"price": …, "quantity": …}` or carry `price_data`; an invoice is made as a receipt.

    `save_card` keeps the card for off-session payments. `expires_at`: 30 minutes to 24 hours ahead.
    """
    intent: dict[str, object] = {"metadata": dict(metadata)}
    if save_card:
        intent["setup_future_usage"] = "off_session"
    if description:
        intent["description"] = description
    return write(
        "checkout.sessions.create",
        idempotency_key=idempotency_key,
        mode="payment",
        customer=customer,
        line_items=[dict(item) for item in line_items],
        payment_intent_data=intent,
        invoice_creation={"enabled": True, "invoice_data": {"metadata": dict(metadata)}},
        **_common(success_url, cancel_url, metadata, client_reference_id, expires_at),
    )


def create_subscription(
    *,
    customer: str,
    line_items: Sequence[Mapping[str, object]],
    success_url: str,
    cancel_url: str,
    metadata: Mapping[str, str],
    idempotency_key: str,
    client_reference_id: str | None = None,
    trial_days: int = 0,
    expires_at: datetime | None = None,
    description: str | None = None,
) -> StripeObject:
    """Subscribe. A metered price is given without a quantity."""
    subscription: dict[str, object] = {"metadata": dict(metadata)}
    if trial_days:
        subscription["trial_period_days"] = trial_days
    if description:
        subscription["description"] = description
    return write(
        "checkout.sessions.create",
        idempotency_key=idempotency_key,
        mode="subscription",
        customer=customer,
        line_items=[dict(item) for item in line_items],
        subscription_data=subscription,
        **_common(success_url, cancel_url, metadata, client_reference_id, expires_at),
    )


def create_setup(
    *,
    customer: str,
    currency: str,
    success_url: str,
    cancel_url: str,
    metadata: Mapping[str, str],
    idempotency_key: str,
) -> StripeObject:
    """Save a card without paying."""
    return write(
        "checkout.sessions.create",
        idempotency_key=idempotency_key,
        mode="setup",
        customer=customer,
        currency=currency,
        success_url=success_url,
        cancel_url=cancel_url,
        metadata=dict(metadata),
        setup_intent_data={"metadata": dict(metadata)},
    )


def retrieve(*, session: str) -> StripeObject:
    """With its lines, its payment intent and that intent's charge inside."""
    return read("checkout.sessions.retrieve", session, expand=EXPAND)


def list_since(*, since: datetime, customer: str | None = None) -> list[StripeObject]:
    """Sessions created since then, newest first."""
    return list(read_all("checkout.sessions.list", created={"gte": int(since.timestamp())}, customer=customer))


def expire(*, session: str, idempotency_key: str) -> StripeObject:
    """Close an open session, so that it cannot be paid any more."""
    return write("checkout.sessions.expire", session, idempotency_key=idempotency_key)


def _common(
    success_url: str,
    cancel_url: str,
    metadata: Mapping[str, str],
    client_reference_id: str | None,
    expires_at: datetime | None,
) -> dict[str, object]:
    tax = settings.STRIPE_AUTOMATIC_TAX
    return {
        "success_url": success_url,
        "cancel_url": cancel_url,
        "metadata": dict(metadata),
        "client_reference_id": client_reference_id,
        "expires_at": int(expires_at.timestamp()) if expires_at else None,
        "allow_promotion_codes": True if settings.STRIPE_PROMOTION_CODES else None,
        "automatic_tax": {"enabled": True} if tax else None,
        # Stripe Tax needs an address, and keeps it only when asked to.
        "billing_address_collection": "required" if tax else None,
        "customer_update": {"address": "auto", "name": "auto"} if tax else None,
    }
