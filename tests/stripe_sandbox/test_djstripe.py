"""dj-stripe, the portal's mirror, takes every object the sandbox makes, without complaint."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import stripe

from stripe_sandbox import API_VERSION
from stripe_sandbox.testing import LocalSandbox
from tests.stripe_sandbox.life import LISTS, live

djstripe = pytest.importorskip("djstripe.models")

# Object type -> the mirror's model. The types not named here have no model of their own in dj-stripe 2.11.
MODELS = {
    "account": "Account",
    "balance_transaction": "BalanceTransaction",
    "charge": "Charge",
    "checkout.session": "Session",
    "coupon": "Coupon",
    "customer": "Customer",
    "dispute": "Dispute",
    "invoice": "Invoice",
    "invoiceitem": "InvoiceItem",
    "payment_intent": "PaymentIntent",
    "payment_method": "PaymentMethod",
    "price": "Price",
    "product": "Product",
    "refund": "Refund",
    "setup_intent": "SetupIntent",
    "subscription": "Subscription",
    "subscription_schedule": "SubscriptionSchedule",
    "tax_rate": "TaxRate",
}


@pytest.fixture
def mirror(settings: Any, sandbox: LocalSandbox) -> Iterator[Callable[[dict[str, Any]], str]]:
    """Syncs one object as the library would hand it over, and returns its type."""
    settings.STRIPE_TEST_SECRET_KEY = settings.STRIPE_SECRET_KEY = sandbox.api_key
    settings.STRIPE_LIVE_MODE = False
    before = stripe.api_base, stripe.api_key, stripe.api_version, stripe.default_http_client
    stripe.api_base, stripe.api_key, stripe.api_version = sandbox.url, sandbox.api_key, API_VERSION
    # The portal pins this one to its own base address.
    stripe.default_http_client = None

    def sync(data: dict[str, Any]) -> str:
        found = stripe.convert_to_stripe_object(data, api_key=sandbox.api_key, stripe_version=API_VERSION)
        row = getattr(djstripe, MODELS[data["object"]]).sync_from_stripe_data(found, api_key=sandbox.api_key)
        assert row.id == data["id"]
        return str(data["object"])

    yield sync
    stripe.api_base, stripe.api_key, stripe.api_version, stripe.default_http_client = before


@pytest.mark.django_db
def test_the_mirror_takes_every_object(sandbox: LocalSandbox, mirror: Callable[[dict[str, Any]], str]) -> None:
    live(sandbox)
    get = sandbox.client.raw_request
    synced = {mirror(get("get", "/v1/account").data)}
    for path in LISTS:
        # dj-stripe takes discounts as objects only; Stripe, too, shows them so when asked.
        expand = "&expand[]=data.discounts" if path.startswith(("/v1/invoices", "/v1/subscriptions")) else ""
        separator = "&" if "?" in path else "?"
        for data in get("get", f"{path}{separator}limit=100{expand}").data["data"]:
            if data["object"] in MODELS:
                synced.add(mirror(data))
    for customer in sandbox.client.v1.customers.list().data:
        for method in get("get", f"/v1/customers/{customer.id}/payment_methods").data["data"]:
            synced.add(mirror(method))
    assert synced == set(MODELS)
