"""The webhook endpoint takes in what Stripe signed, once, and nothing else."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from django.urls import reverse

from payments.models import InboxRefusal, StripeEvent, StripeWebhookEndpoint
from stripe_sandbox.webhooks import signature_header
from tests.plugins_stripe import post_webhook

URL = "/api/v1/webhooks/stripe"


@pytest.fixture
def event(sandbox, make_customer):
    make_customer()
    return sandbox.events("customer.created")[0]


@pytest.fixture
def signed(sandbox, settings, event, db):
    return sandbox.signed(event, settings.STRIPE_WEBHOOK_SECRET)


def counted():
    return dict(InboxRefusal.objects.values_list("reason", "count"))


def refused(client, body, signature, code):
    """Posting is answered with 400 and this code; nothing is kept but a counter."""
    headers = {} if signature is None else {"Stripe-Signature": signature}
    response = client.post(URL, body, content_type="application/json", headers=headers)
    assert response.status_code == 400
    assert response.json()["error"]["code"] == code
    assert StripeEvent.objects.count() == 0
    assert counted() == {code: 1}


def test_a_signed_event_is_stored_and_answered_at_once(client, signed, event):
    body, signature = signed
    response = client.post(URL, body, content_type="application/json", headers={"Stripe-Signature": signature})
    assert (response.status_code, response.json()) == (200, {"received": True})
    stored = StripeEvent.objects.get()
    assert (stored.stripe_id, stored.type) == (event["id"], "customer.created")
    assert (stored.object_type, stored.object_id) == ("customer", event["data"]["object"]["id"])
    assert stored.status == StripeEvent.Status.RECEIVED
    assert stored.payload == json.loads(body)
    assert stored.created == datetime.fromtimestamp(event["created"], tz=UTC)


def test_a_repeat_is_answered_alike_and_stored_once(signed):
    assert [post_webhook(*signed) for _ in range(3)] == [200, 200, 200]
    assert StripeEvent.objects.count() == 1


def test_taking_in_makes_no_outbound_call(sandbox, signed, django_assert_max_num_queries):
    sandbox.fault("down", times=99)
    with django_assert_max_num_queries(8):
        assert post_webhook(*signed) == 200


def test_no_key_is_asked_for_and_none_helps(client, signed, service_key):
    body, _ = signed
    response = client.post(
        URL, body, content_type="application/json", headers={"Authorization": f"Bearer {service_key}"}
    )
    assert response.status_code == 400


@pytest.mark.parametrize(
    "signature",
    [None, "", "nonsense", "t=,v1=", "t=12", "v1=abc", "t=abc,v1=abc", "t=1,t=2,v1=abc", "t=9" * 40 + ",v1=é"],
)
def test_a_missing_or_malformed_signature_is_refused(client, signed, signature):
    refused(client, signed[0], signature, "bad_signature")


def test_a_forged_signature_is_refused(client, signed):
    refused(client, signed[0], signature_header("whsec_somebody_else", signed[0]), "bad_signature")


def test_a_changed_body_is_refused(client, signed):
    body, signature = signed
    refused(client, body.replace(b"Acme", b"Evil"), signature, "bad_signature")


@pytest.mark.parametrize("age", [timedelta(minutes=6), timedelta(days=400), -timedelta(minutes=6)])
def test_a_stale_signature_is_refused(client, signed, settings, age):
    body, _ = signed
    moment = int((datetime.now(UTC) - age).timestamp())
    refused(client, body, signature_header(settings.STRIPE_WEBHOOK_SECRET, body, moment), "stale")


def almost(**changes):
    """A body that would be an event but for these values."""
    event = {"object": "event", "id": "evt_1", "type": "a", "created": 1, "data": {"object": {"object": "customer"}}}
    return json.dumps(event | changes).encode()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not json",
        b"\xff\xfe\x00",
        b"[]",
        b"null",
        b"{}",
        almost(object="customer"),
        almost(id=5),
        almost(id=""),
        almost(id="evt_\0"),
        almost(id="e" * 256),
        almost(type=None),
        almost(created="x"),
        almost(created=True),
        almost(created=1.5),
        almost(created=99999999999999),
        almost(data=[]),
        almost(data={}),
        almost(data={"object": {}}),
        almost(data={"object": {"object": "customer", "id": 7}}),
    ],
)
def test_a_signed_body_that_is_no_event_is_refused(client, sandbox, settings, db, body):
    refused(client, body, signature_header(settings.STRIPE_WEBHOOK_SECRET, body), "unreadable")


def test_a_body_beyond_all_measure_is_refused(client, sandbox, settings, db):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000
    body = b'"' + b"x" * 2000 + b'"'
    refused(client, body, signature_header(settings.STRIPE_WEBHOOK_SECRET, body), "unreadable")


def test_refusals_are_counted_by_reason_and_day(client, db, sandbox):
    for _ in range(3):
        client.post(URL, b"{}", content_type="application/json")
    assert counted() == {"bad_signature": 3}


def test_without_any_secret_nothing_is_taken_in(client, signed, settings):
    settings.STRIPE_WEBHOOK_SECRET = ""
    refused(client, *signed, "bad_signature")


def test_the_secret_of_a_registered_endpoint_opens_too(client, sandbox, event, settings, db):
    settings.STRIPE_WEBHOOK_SECRET = ""
    StripeWebhookEndpoint.objects.create(url="https://old.example", stripe_id="we_1", secret="whsec_old")
    StripeWebhookEndpoint.objects.create(url="https://new.example", stripe_id="we_2", secret="whsec_new")
    assert post_webhook(*sandbox.signed(event, "whsec_old")) == 200


def test_only_post_is_answered(client, db):
    response = client.get(reverse("api_stripe_webhook"))
    assert response.status_code == 405
    assert response.json()["error"]["code"] == "method_not_allowed"
