"""Retrieve an object by its type, fresh, with what the handlers and the mirror need inside."""

from collections.abc import Callable

from payments.gateway import catalogue, checkout, customers, invoices, payments, refunds, subscriptions
from payments.gateway.client import read
from payments.stripe_objects.fields import StripeObject

RETRIEVERS: dict[str, Callable[[str], StripeObject]] = {
    "charge": lambda id: payments.retrieve_charge(charge=id),
    "checkout.session": lambda id: checkout.retrieve(session=id),
    "customer": lambda id: customers.retrieve(customer=id),
    "dispute": lambda id: refunds.retrieve_dispute(dispute=id),
    "invoice": lambda id: invoices.retrieve(invoice=id),
    "payment_intent": lambda id: payments.retrieve(payment_intent=id),
    "payment_method": lambda id: payments.retrieve_payment_method(payment_method=id),
    "price": lambda id: catalogue.retrieve_price(price=id),
    "product": lambda id: read("products.retrieve", id),
    "refund": lambda id: refunds.retrieve(refund=id),
    "setup_intent": lambda id: read("setup_intents.retrieve", id),
    "subscription": lambda id: subscriptions.retrieve(subscription=id),
    "subscription_schedule": lambda id: subscriptions.retrieve_schedule(schedule=id),
}


def can_retrieve(object_type: str) -> bool:
    return object_type in RETRIEVERS


def retrieve(*, object_type: str, object_id: str) -> StripeObject:
    """Raises `StripeNotFound` when Stripe has it no longer, `KeyError` for a type we never ask for."""
    return RETRIEVERS[object_type](object_id)
