"""Payment intents without a page: the saved card is charged while the customer is away.

https://docs.stripe.com/api/payment_intents and https://docs.stripe.com/payments/save-and-reuse
"""

from collections.abc import Mapping
from datetime import datetime

from payments.gateway.client import read, read_all, write
from payments.stripe_objects.fields import StripeObject

EXPAND = ["latest_charge"]


def charge_off_session(
    *,
    customer: str,
    payment_method: str,
    amount: int,
    currency: str,
    description: str,
    metadata: Mapping[str, str],
    idempotency_key: str,
) -> StripeObject:
    """Charge `amount` (minor units) now. Raises `CardDeclined`, whose `payment_intent` names the failed attempt."""
    return write(
        "payment_intents.create",
        idempotency_key=idempotency_key,
        customer=customer,
        payment_method=payment_method,
        amount=amount,
        currency=currency,
        description=description,
        metadata=dict(metadata),
        off_session=True,
        confirm=True,
        expand=EXPAND,
    )


def retrieve(*, payment_intent: str) -> StripeObject:
    """With its latest charge inside."""
    return read("payment_intents.retrieve", payment_intent, expand=EXPAND)


def list_since(*, since: datetime, customer: str | None = None) -> list[StripeObject]:
    """Payment intents created since then, newest first, with their latest charges."""
    return list(
        read_all(
            "payment_intents.list",
            created={"gte": int(since.timestamp())},
            customer=customer,
            expand=["data.latest_charge"],
        )
    )


def cancel(*, payment_intent: str, idempotency_key: str) -> StripeObject:
    """Give up an attempt that needs the customer, so that it cannot succeed later."""
    return write("payment_intents.cancel", payment_intent, idempotency_key=idempotency_key)


def retrieve_charge(*, charge: str) -> StripeObject:
    """With its refunds inside."""
    return read("charges.retrieve", charge, expand=["refunds"])


def retrieve_payment_method(*, payment_method: str) -> StripeObject:
    return read("payment_methods.retrieve", payment_method)


def attach_payment_method(*, payment_method: str, customer: str, idempotency_key: str) -> StripeObject:
    return write("payment_methods.attach", payment_method, idempotency_key=idempotency_key, customer=customer)


def detach_payment_method(*, payment_method: str, idempotency_key: str) -> StripeObject:
    return write("payment_methods.detach", payment_method, idempotency_key=idempotency_key)
