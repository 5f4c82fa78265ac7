"""Between us and Stripe: one address, explicit settings, typed errors, and every write once."""

import pytest
import stripe
from django.core.exceptions import ImproperlyConfigured
from django.db import transaction

from payments.errors import CardDeclined, StripeKeyRefused, StripeNotFound, StripeRefused, StripeUnavailable
from payments.gateway import accounts, checkout, customers, payments, refunds
from payments.gateway.client import client
from payments.services.customers import ensure_customer


@pytest.fixture
def make(sandbox):
    """Make a customer at Stripe under an idempotency key."""

    def call(key="key-1", name="Acme"):
        return customers.create(name=name, email="a@acme.example", metadata={}, idempotency_key=key)

    return call


def how_many(sandbox):
    return len(sandbox.client.v1.customers.list().data)


@pytest.fixture
def card(sandbox, acme):
    """`card("4000…")` saves a card for acme; returns customer and payment method."""

    def save(number):
        customer = ensure_customer(organization=acme)
        session = checkout.create_setup(
            customer=customer,
            currency="usd",
            success_url="https://portal.example/",
            cancel_url="https://portal.example/",
            metadata={},
            idempotency_key=f"setup-{number}",
        )
        sandbox.pay(session["id"], card=number, authenticate=True)
        return customer, customers.saved_payment_method(customer=customer)

    return save


def charge(customer, method, key="charge-1"):
    return payments.charge_off_session(
        customer=customer,
        payment_method=method,
        amount=500,
        currency="usd",
        description="Top-up",
        metadata={},
        idempotency_key=key,
    )


@pytest.mark.parametrize("kind, status", [("down", 500), ("error", 500), ("error", 502), ("error", 429), ("lost", 500)])
def test_trouble_at_stripe_is_unavailable_and_the_same_key_makes_one_object(db, sandbox, make, kind, status):
    sandbox.fault(kind, status=status, path="/v1/customers")
    with pytest.raises(StripeUnavailable) as caught:
        make()
    assert (caught.value.http_status, caught.value.code) == (503, "stripe_unavailable")

    first, again = make(), make()

    assert first["id"] == again["id"]
    assert how_many(sandbox) == 1


def test_a_slow_stripe_is_given_up_after_the_timeout(db, sandbox, make, settings):
    settings.STRIPE_TIMEOUT_SECONDS = 0.2
    sandbox.fault("slow", seconds=1, path="/v1/customers")
    with pytest.raises(StripeUnavailable):
        make()


def test_a_short_outage_is_bridged_by_retries(db, sandbox, make, settings):
    settings.STRIPE_MAX_NETWORK_RETRIES = 2
    sandbox.fault("down", path="/v1/customers")
    sandbox.fault("lost", path="/v1/customers")
    make()
    assert how_many(sandbox) == 1


def test_the_same_key_with_other_content_is_refused(db, sandbox, make):
    make(name="Acme")
    with pytest.raises(StripeRefused, match="same parameters"):
        make(name="Other")
    assert how_many(sandbox) == 1


def test_what_stripe_does_not_have_is_not_found(db, sandbox):
    with pytest.raises(StripeNotFound) as caught:
        payments.retrieve(payment_intent="pi_nowhere")
    assert (caught.value.stripe_code, caught.value.http_status) == ("resource_missing", 422)


def test_what_stripe_forbids_is_refused_with_its_reason(db, sandbox):
    with pytest.raises(StripeRefused) as caught:
        refunds.create(payment_intent="pi_nowhere", amount=1, metadata={}, idempotency_key="refund-1")
    assert "No such payment_intent" in caught.value.message
    assert caught.value.param == "payment_intent"


def test_a_key_that_stripe_does_not_know_is_the_operators_trouble(db, sandbox, settings):
    settings.STRIPE_SECRET_KEY = "sk_test_short"
    with pytest.raises(StripeKeyRefused) as caught:
        accounts.current()
    assert caught.value.http_status == 503
    assert "sk_test" not in caught.value.message


def test_a_declined_card_says_why_and_which_attempt_it_was(sandbox, card):
    with pytest.raises(CardDeclined) as caught:
        charge(*card("4000000000000341"))
    declined = caught.value
    assert (declined.http_status, declined.stripe_code) == (402, "card_declined")
    assert declined.decline_code
    assert declined.payment_intent.startswith("pi_")
    assert declined.needs_customer is False


def test_a_bank_that_wants_the_customer_is_told_apart(sandbox, card):
    with pytest.raises(CardDeclined) as caught:
        charge(*card("4000002760003184"))
    assert caught.value.needs_customer is True


def test_a_charge_repeated_under_its_key_is_charged_once(sandbox, card):
    customer, method = card("4242424242424242")
    sandbox.fault("lost", path="/v1/payment_intents")
    with pytest.raises(StripeUnavailable):
        charge(customer, method)
    first, again = charge(customer, method), charge(customer, method)
    assert first["id"] == again["id"]
    assert first["status"] == "succeeded"
    assert len(sandbox.client.v1.charges.list().data) == 1


def test_no_saved_card_is_none(sandbox, acme):
    assert customers.saved_payment_method(customer=ensure_customer(organization=acme)) is None


@pytest.mark.django_db(transaction=True)
def test_no_call_is_made_inside_a_transaction(sandbox, make):
    with pytest.raises(RuntimeError), transaction.atomic():
        make()
    assert how_many(sandbox) == 0


def test_the_sandbox_mode_opens_no_other_host(db, settings):
    settings.STRIPE_SANDBOX = True
    settings.STRIPE_API_BASE = "https://api.stripe.com"
    with pytest.raises(ImproperlyConfigured, match="must go to the sandbox"):
        accounts.current()


def test_a_real_key_goes_to_stripe_and_nowhere_else(db, sandbox, settings):
    settings.STRIPE_SANDBOX = False
    with pytest.raises(ImproperlyConfigured, match=r"payments go to https://api\.stripe\.com"):
        accounts.current()


@pytest.mark.parametrize("address", ["api_base", "upload_api_base", "connect_api_base", "meter_events_api_base"])
def test_the_librarys_own_globals_are_pinned_to_our_address_too(sandbox, address):
    client()
    assert getattr(stripe, address) == sandbox.url


def test_the_librarys_globals_follow_the_settings_back_and_forth(sandbox, settings):
    """dj-stripe goes through them, and would otherwise wait for an address where nobody is."""
    client()
    settings.STRIPE_API_BASE = "http://127.0.0.1:9"
    client()
    settings.STRIPE_API_BASE = sandbox.url
    client()
    assert stripe.api_base == sandbox.url
    stripe.default_http_client.request("get", sandbox.url + "/v1/account", {})


def test_the_transport_refuses_any_other_address(sandbox):
    client()
    transport = stripe.default_http_client
    for url in ("https://api.stripe.com/v1/account", sandbox.url + ".evil.example/v1/account"):
        with pytest.raises(ImproperlyConfigured, match="nowhere else"):
            transport.request("get", url, {})
        with pytest.raises(ImproperlyConfigured, match="nowhere else"):
            transport.request_stream("get", url, {})


def test_every_request_names_our_api_version(sandbox, db, settings):
    assert client()._requestor.stripe_version == settings.STRIPE_API_VERSION == "2026-05-27.dahlia"
