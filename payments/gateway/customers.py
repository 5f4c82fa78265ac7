"""Stripe customers and their saved payment methods. https://docs.stripe.com/api/customers"""

from collections.abc import Mapping

from payments.gateway.client import read, read_all, write
from payments.stripe_objects.fields import StripeObject


def create(*, name: str, email: str, metadata: Mapping[str, str], idempotency_key: str) -> StripeObject:
    return write(
        "customers.create", idempotency_key=idempotency_key, name=name, email=email or None, metadata=dict(metadata)
    )


def retrieve(*, customer: str) -> StripeObject:
    """A deleted customer comes back with `deleted: true`."""
    return read("customers.retrieve", customer)


def find(*, email: str, metadata_key: str, metadata_value: str) -> StripeObject | None:
    """The customer with this email and this metadata, if Stripe has one. Slow: only for repairs."""
    for customer in read_all("customers.list", email=email, maximum=1000):
        if customer.get("metadata", {}).get(metadata_key) == metadata_value:
            return customer
    return None


def update(
    *,
    customer: str,
    idempotency_key: str,
    name: str | None = None,
    email: str | None = None,
    default_payment_method: str | None = None,
    metadata: Mapping[str, str] | None = None,
) -> StripeObject:
    """Change what is given. `default_payment_method` is what subscriptions and invoices are paid with."""
    return write(
        "customers.update",
        customer,
        idempotency_key=idempotency_key,
        name=name,
        email=email,
        metadata=dict(metadata) if metadata is not None else None,
        invoice_settings={"default_payment_method": default_payment_method} if default_payment_method else None,
    )


def payment_methods(*, customer: str) -> list[StripeObject]:
    """Saved cards and other methods, newest first."""
    return list(read_all("customers.payment_methods.list", customer))


def saved_payment_method(*, customer: str) -> str | None:
    """What to charge off-session: the customer's default, else the one saved last, else None."""
    default = (retrieve(customer=customer).get("invoice_settings") or {}).get("default_payment_method")
    if default:
        return str(default["id"] if isinstance(default, dict) else default)
    newest = next(iter(read_all("customers.payment_methods.list", customer, maximum=1)), None)
    return str(newest["id"]) if newest else None
