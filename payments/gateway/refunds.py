"""Refunds and disputes. https://docs.stripe.com/api/refunds and https://docs.stripe.com/api/disputes"""

from collections.abc import Mapping
from datetime import datetime

from payments.gateway.client import read, read_all, write
from payments.stripe_objects.fields import StripeObject


def create(*, payment_intent: str, amount: int, metadata: Mapping[str, str], idempotency_key: str) -> StripeObject:
    """Give back `amount` minor units of a payment. `status` may still be `pending`, and fail days later.

    Raises `StripeRefused` when it is more than what is left of the payment.
    """
    return write(
        "refunds.create",
        idempotency_key=idempotency_key,
        payment_intent=payment_intent,
        amount=amount,
        reason="requested_by_customer",
        metadata=dict(metadata),
    )


def retrieve(*, refund: str) -> StripeObject:
    return read("refunds.retrieve", refund)


def list_for(*, payment_intent: str) -> list[StripeObject]:
    """All refunds of one payment, whoever made them, newest first."""
    return list(read_all("refunds.list", payment_intent=payment_intent))


def list_since(*, since: datetime) -> list[StripeObject]:
    """All refunds made since then, newest first."""
    return list(read_all("refunds.list", created={"gte": int(since.timestamp())}))


def retrieve_dispute(*, dispute: str) -> StripeObject:
    return read("disputes.retrieve", dispute)


def list_disputes_since(*, since: datetime) -> list[StripeObject]:
    """All disputes opened since then, newest first."""
    return list(read_all("disputes.list", created={"gte": int(since.timestamp())}))
