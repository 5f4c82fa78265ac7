"""Stripe's objects as the rest of the portal reads them.

`views`, `subscriptions` and `invoices` are the one adapter over Stripe's shapes, whether an object came from the API or
from the `stripe_data` of dj-stripe's copy; `sync` makes that copy.
"""

from payments.mirror.invoices import InvoiceLineView, InvoicePaymentView, InvoiceView
from payments.mirror.subscriptions import SubscriptionItemView, SubscriptionView
from payments.mirror.views import (
    ChargeView,
    CheckoutSessionView,
    DisputeView,
    PaymentIntentView,
    PaymentMethodView,
    RefundView,
)

__all__ = [
    "ChargeView",
    "CheckoutSessionView",
    "DisputeView",
    "InvoiceLineView",
    "InvoicePaymentView",
    "InvoiceView",
    "PaymentIntentView",
    "PaymentMethodView",
    "RefundView",
    "SubscriptionItemView",
    "SubscriptionView",
]
