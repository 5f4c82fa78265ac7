"""Who hears of what, and by which secret it is signed."""

from datetime import timedelta

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from core.errors import InvalidInput
from notifications.models import WebhookDelivery, WebhookEndpoint
from notifications.services.endpoints import create_endpoint, rotate_secret, update_endpoint


def test_an_endpoint_hears_only_of_its_organization_and_its_types(say, receivers, acme, globex):
    all_of_acme, silent_only, everybody, of_globex, disabled = (receivers() for _ in range(5))
    all_of_acme.subscribe(organization=acme)
    silent_only.subscribe(event_types=["demo.silent"])
    everybody.subscribe()
    of_globex.subscribe(organization=globex)
    WebhookEndpoint.objects.filter(pk=disabled.subscribe().pk).update(enabled=False)

    say("demo.payment_failed", key="1")
    say("demo.silent", key="2")

    assert all_of_acme.types() == everybody.types() == ["demo.payment_failed", "demo.silent"]
    assert silent_only.types() == ["demo.silent"]
    assert of_globex.accepted == disabled.accepted == []


def test_the_signature_is_verified_by_the_standard_library_and_fails_for_another_body(say, receiver):
    endpoint = receiver.subscribe()
    event = say("demo.silent")

    (received,) = receiver.accepted
    assert received.headers["content-type"] == "application/json"
    assert received.id == event.public_id and event.public_id.startswith("msg_")
    assert Webhook(endpoint.secret).verify(received.body, received.headers) == received.payload
    with pytest.raises(WebhookVerificationError):
        Webhook(endpoint.secret).verify(received.body.replace(b"1", b"2"), received.headers)


def test_every_endpoint_has_its_own_secret(receiver, db):
    first, second = receiver.subscribe(), receiver.subscribe()

    assert first.secret.startswith("whsec_") and second.secret.startswith("whsec_")
    assert first.secret != second.secret
    assert first.public_id.startswith("we_")


def test_for_a_day_after_a_rotation_both_secrets_verify(say, receiver, real_now, time_machine):
    endpoint = receiver.subscribe()
    old = endpoint.secret
    new = rotate_secret(endpoint=endpoint, now=real_now).secret
    receiver.secrets = [old]
    time_machine.move_to(real_now + timedelta(hours=23, minutes=59), tick=False)
    say("demo.silent", key="1")
    (received,) = receiver.accepted
    assert Webhook(new).verify(received.body, received.headers)

    time_machine.move_to(real_now + timedelta(hours=24), tick=False)
    say("demo.silent", key="2")
    assert len(receiver.unsigned) == 1, "the old secret is over"
    assert Webhook(new).verify(receiver.unsigned[0].body, receiver.unsigned[0].headers)


def test_a_second_rotation_ends_the_oldest_secret_at_once(receiver, real_now, db):
    endpoint = receiver.subscribe()
    first = endpoint.secret
    second = rotate_secret(endpoint=endpoint, now=real_now).secret
    third = rotate_secret(endpoint=endpoint, now=real_now)

    assert third.secrets_at(real_now) == [third.secret, second]
    assert first not in third.secrets_at(real_now)


def test_an_unknown_event_type_is_refused_by_name(receiver, db):
    with pytest.raises(InvalidInput, match=r"demo\.unheard") as refusal:
        receiver.subscribe(event_types=["demo.unheard"])
    assert refusal.value.field == "event_types"

    with pytest.raises(InvalidInput, match=r"demo\.letter"):
        receiver.subscribe(event_types=["demo.letter"])
    assert not WebhookEndpoint.objects.exists()


def test_a_refused_change_changes_nothing(receiver, settings, db):
    endpoint = receiver.subscribe()
    settings.WEBHOOKS_ALLOW_PRIVATE_TARGETS = False

    with pytest.raises(InvalidInput):
        update_endpoint(
            endpoint=endpoint, url="https://10.0.0.1/", event_types=["demo.silent"], description="x", enabled=False
        )

    unchanged = WebhookEndpoint.objects.get()
    assert (unchanged.url, unchanged.event_types, unchanged.enabled) == (receiver.url, [], True)


def test_an_endpoint_whose_name_no_longer_resolves_can_still_be_switched_off(receiver, settings, db):
    endpoint = receiver.subscribe()
    settings.WEBHOOKS_ALLOW_PRIVATE_TARGETS = False

    update_endpoint(endpoint=endpoint, url=endpoint.url, event_types=[], description="", enabled=False)

    assert not WebhookEndpoint.objects.get().enabled


def test_a_private_target_cannot_be_saved(settings, db):
    with pytest.raises(InvalidInput, match="private or reserved") as refusal:
        create_endpoint(url="https://hooks.example/", resolve=lambda host, port: ["192.168.1.7"])

    assert refusal.value.field == "url"
    assert not WebhookEndpoint.objects.exists() and not WebhookDelivery.objects.exists()
