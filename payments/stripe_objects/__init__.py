"""Stripe's objects as the rest of the portal reads them.

`views`, `subscriptions` and `invoices` are the one adapter over Stripe's shapes, whether an object came from the API or
from the `stripe_data` of dj-stripe's copy; `sync` makes that copy.
"""

from payments.stripe_objects.invoices import StripeInvoice, StripeInvoiceLine, StripeInvoicePayment
from payments.stripe_objects.payments import (
    StripeCharge,
    StripeCheckoutSession,
    StripeDispute,
    StripePaymentIntent,
    StripePaymentMethod,
    StripeRefund,
)
from payments.stripe_objects.subscriptions import StripeSubscription, StripeSubscriptionItem

__all__ = [
    "StripeCharge",
    "StripeCheckoutSession",
    "StripeDispute",
    "StripeInvoice",
    "StripeInvoiceLine",
    "StripeInvoicePayment",
    "StripePaymentIntent",
    "StripePaymentMethod",
    "StripeRefund",
    "StripeSubscription",
    "StripeSubscriptionItem",
]
