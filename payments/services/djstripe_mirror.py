"""dj-stripe's tables, kept as a copy of Stripe's objects: for staff to look at, and for the page of invoices."""

import stripe
from django.conf import settings
from djstripe import models as djstripe

from payments.gateway.client import client
from payments.stripe_objects.fields import StripeObject

# Not here: refunds (`refund.*` has no row of its own; the charge brings its refunds along).
MODELS: dict[str, type[djstripe.StripeModel]] = {
    "charge": djstripe.Charge,
    "checkout.session": djstripe.Session,
    "customer": djstripe.Customer,
    "dispute": djstripe.Dispute,
    "invoice": djstripe.Invoice,
    "payment_intent": djstripe.PaymentIntent,
    "payment_method": djstripe.PaymentMethod,
    "price": djstripe.Price,
    "product": djstripe.Product,
    "setup_intent": djstripe.SetupIntent,
    "subscription": djstripe.Subscription,
    "subscription_schedule": djstripe.SubscriptionSchedule,
}


def is_mirrored(object_type: str) -> bool:
    return object_type in MODELS


def sync_to_mirror(data: StripeObject) -> None:
    """Bring dj-stripe's row in line with `data`, an object as the gateway returns it. Other types are left alone.

    dj-stripe retrieves what the object refers to and it has not seen yet, so this may call Stripe. Raises whatever
    dj-stripe raises.
    """
    model = MODELS.get(data.get("object", ""))
    if model is None or (data.get("deleted") and data["object"] != "customer") or not data.get("id"):
        return
    client()  # dj-stripe goes through the library's globals, which this sets to our address, version and timeouts.
    key, version = settings.STRIPE_SECRET_KEY, settings.STRIPE_API_VERSION
    model.sync_from_stripe_data(stripe.convert_to_stripe_object(data, api_key=key, stripe_version=version), api_key=key)
