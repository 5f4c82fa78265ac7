"""One fact is told once, to everybody it concerns, and only if it was committed."""

import json
import threading
from datetime import timedelta
from decimal import Decimal

import pytest
from celery import current_app
from django.core import mail
from django.db import connection, transaction

from notifications import event_types
from notifications.event_types import EventType
from notifications.models import Event, SentEmail, WebhookDelivery
from notifications.services import publish
from notifications.services.events import fan_out
from notifications.services.sweep import sweep

ACME_READERS = ["alice@acme.example", "billing@acme.example"]


def test_the_same_event_three_times_is_one_email_each_and_one_delivery(say, receiver, acme):
    receiver.subscribe(organization=acme)

    events = [say(), say(), say(data={"n": 2})]

    assert len({event.pk for event in events}) == 1
    assert sorted(message.to[0] for message in mail.outbox) == ACME_READERS
    assert [received.data for received in receiver.accepted] == [{"organization": acme.public_id, "n": 1}]


def test_another_key_is_another_event(say, receiver, acme):
    receiver.subscribe()

    first, second = say(key="invoice-1"), say(key="invoice-2")

    assert [received.id for received in receiver.accepted] == [first.public_id, second.public_id]
    assert len(mail.outbox) == 4


def test_what_is_rolled_back_was_never_told(acme, now, committed, receiver):
    receiver.subscribe()

    with committed(), pytest.raises(RuntimeError), transaction.atomic():
        publish(type="demo.payment_failed", organization=acme, data={}, key="k", now=now)
        raise RuntimeError

    assert not Event.objects.exists()
    assert mail.outbox == [] and receiver.accepted == []


def test_a_type_nobody_registered_is_a_mistake_in_the_program(acme, now):
    with pytest.raises(event_types.UnknownEventType, match=r"demo\.unheard"):
        publish(type="demo.unheard", organization=acme, data={}, key="k", now=now)

    assert not Event.objects.exists()


def test_a_key_of_another_organization_is_refused(say, acme, globex, now, committed):
    say(key="k")
    mail.outbox.clear()

    with committed(), pytest.raises(ValueError, match="another organization"):
        publish(type="demo.payment_failed", organization=globex, data={}, key="k", now=now)

    assert Event.objects.get().organization == acme
    assert mail.outbox == []


def test_channels_follow_the_type(say, receiver):
    receiver.subscribe()

    say("demo.silent")
    assert receiver.types() == ["demo.silent"] and mail.outbox == []

    say("demo.letter")
    assert receiver.types() == ["demo.silent"] and len(mail.outbox) == 2


def test_fanning_out_twice_tells_once(say, receiver, now, committed):
    receiver.subscribe()
    event = say()
    told_at = Event.objects.get().fanned_out_at

    with committed():
        fan_out(event_id=event.pk, now=now)

    assert Event.objects.get().fanned_out_at == told_at
    assert (SentEmail.objects.count(), WebhookDelivery.objects.count()) == (2, 1)
    assert len(mail.outbox) == 2 and len(receiver.accepted) == 1


def test_a_lost_task_is_found_by_the_sweep(acme, now, real_now, lost_tasks, committed, receiver):
    receiver.subscribe()
    with lost_tasks():
        event = publish(type="demo.payment_failed", organization=acme, data={}, key="k", now=now)
    assert mail.outbox == []

    with committed():
        sweep(now=real_now + timedelta(seconds=25))
    assert mail.outbox == [], "it may still be on its way"

    with committed():
        sweep(now=real_now + timedelta(seconds=35))
    assert [received.id for received in receiver.accepted] == [event.public_id]
    assert len(mail.outbox) == 2

    with committed():
        swept = sweep(now=real_now + timedelta(seconds=50))
    assert (swept.events, swept.emails, swept.endpoints) == (0, 0, 0)


@pytest.fixture
def unreachable_broker():
    """Tasks go to a Redis that nobody runs."""
    nobody = {
        "task_always_eager": False,
        "task_publish_retry": False,
        "broker_transport": "redis",
        "broker_transport_options": {},
        "broker_write_url": "redis://127.0.0.1:1/0",
    }
    before = {name: current_app.conf.get(name) for name in nobody}
    current_app.conf.update(nobody)
    current_app.amqp._producer_pool = None
    yield
    current_app.conf.update(before)
    current_app.amqp._producer_pool = None


def test_a_broker_that_is_down_bothers_nobody(say, unreachable_broker, caplog):
    event = say()

    assert Event.objects.get() == event
    assert mail.outbox == []
    assert "The broker took no notifications.tasks.fan_out" in caplog.text


@pytest.mark.django_db(transaction=True)
def test_two_at_once_publish_one_event(acme, now):
    barrier, ids = threading.Barrier(2), []

    def one() -> None:
        barrier.wait()
        ids.append(publish(type="demo.silent", organization=acme, data={}, key="k", now=now).pk)
        connection.close()

    threads = [threading.Thread(target=one) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert ids == [Event.objects.get().pk] * 2


def test_the_body_is_type_timestamp_and_data_with_the_organization_first(say, receiver, acme, now):
    receiver.subscribe()

    say("demo.silent", data={"amount": "12.5", "resume": {"job": 17, "ratio": 0.25, "tags": ["ä", None, True]}})

    (received,) = receiver.accepted
    assert list(received.payload) == ["type", "timestamp", "data"]
    assert received.payload == {
        "type": "demo.silent",
        "timestamp": "2026-06-15T12:00:00.000Z",
        "data": {
            "organization": acme.public_id,
            "amount": "12.5",
            "resume": {"job": 17, "ratio": 0.25, "tags": ["ä", None, True]},
        },
    }
    assert next(iter(json.loads(received.body)["data"])) == "organization"


def test_numbers_arrive_as_the_numbers_they_were(say, receiver):
    """As the API reads them: what a product gives is given back untouched."""
    receiver.subscribe()
    given = (
        '{"ratio":0.10,"tiny":1E-30,"long":12345678901234567890.123456789,"whole":7,"deep":[[{"x":-0.5}],"0.5",null]}'
    )

    say("demo.silent", data={"resume": json.loads(given, parse_float=Decimal)})

    (received,) = receiver.accepted
    as_sent = json.loads(received.body, parse_float=str)["data"]["resume"]
    assert as_sent == json.loads(given, parse_float=str) | {"tiny": as_sent["tiny"]}
    assert Decimal(as_sent["tiny"]) == Decimal("1E-30")


@pytest.mark.parametrize("number", ["NaN", "Infinity"])
def test_what_is_no_json_number_is_not_published(acme, now, number):
    with pytest.raises(ValueError, match="JSON has no number"):
        publish(type="demo.silent", organization=acme, data={"n": Decimal(number)}, key="k", now=now)

    assert not Event.objects.exists()


def test_registering_the_same_type_twice_is_harmless_but_another_under_its_code_is_not():
    same = EventType(code="demo.silent", title="Silent", description="Only programs hear of it.")
    other = EventType(code="demo.silent", title="Loud", description="Everybody hears of it.", email=True)

    assert event_types.register(same) == event_types.get("demo.silent")
    with pytest.raises(ValueError, match=r"demo\.silent"):
        event_types.register(other)
    assert event_types.get("demo.silent") == same
