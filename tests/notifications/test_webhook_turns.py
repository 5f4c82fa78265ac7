"""A receiver that is slow or down delays nobody but itself."""

import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.core import mail
from django.db import connection

from notifications.models import WebhookAttempt, WebhookDelivery, WebhookEndpoint
from notifications.services import deliveries, publish
from notifications.services.deliveries import deliver_due
from notifications.services.sweep import sweep
from tests.plugins_receiver import PATIENCE_SECONDS

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def worker() -> Iterator:
    """`worker(endpoint, now)` takes a turn at an endpoint in a thread of its own, as another process would."""
    threads: list[threading.Thread] = []

    def start(endpoint: WebhookEndpoint, now) -> threading.Thread:
        def turn() -> None:
            deliver_due(endpoint_id=endpoint.pk, now=now)
            connection.close()

        thread = threading.Thread(target=turn)
        thread.start()
        threads.append(thread)
        return thread

    yield start
    for thread in threads:
        thread.join(PATIENCE_SECONDS)
        assert not thread.is_alive()


def waiting_for(endpoint: WebhookEndpoint, event, now) -> WebhookDelivery:
    return WebhookDelivery.objects.create(event=event, endpoint=endpoint, retry_from=now, next_attempt_at=now)


def test_while_one_receiver_hangs_the_others_and_the_mail_are_served(acme, receivers, worker, now, real_now):
    event = publish(type="demo.letter", organization=acme, data={}, key="before", now=now)
    mail.outbox.clear()
    slow, fast = receivers(), receivers()
    slow.gate.clear()
    slow_endpoint = slow.subscribe()
    stuck = waiting_for(slow_endpoint, event, real_now)
    hanging = worker(slow_endpoint, real_now)
    assert slow.arrived.wait(PATIENCE_SECONDS)

    fast.subscribe()
    told = publish(type="demo.payment_failed", organization=acme, data={}, key="k", now=now)

    assert [received.id for received in fast.accepted] == [told.public_id]
    assert len(mail.outbox) == 2
    assert deliver_due(endpoint_id=slow_endpoint.pk, now=real_now) == [], "one worker at a time"
    assert sweep(now=real_now).endpoints == 0, "a busy endpoint is not handed out again"
    stuck.refresh_from_db()
    assert stuck.status == WebhookDelivery.Status.PENDING

    slow.gate.set()
    hanging.join(PATIENCE_SECONDS)
    stuck.refresh_from_db()
    assert stuck.status == WebhookDelivery.Status.DELIVERED
    slow_endpoint.refresh_from_db()
    assert slow_endpoint.claimed_until is None


def test_what_came_in_during_a_turn_is_sent_after_it(acme, receiver, worker, now, real_now):
    """Its own task found the endpoint busy and left: whoever was busy must not."""
    endpoint = receiver.subscribe()
    first = publish(type="demo.letter", organization=acme, data={}, key="1", now=now)
    second = publish(type="demo.letter", organization=acme, data={}, key="2", now=now)
    receiver.gate.clear()
    waiting_for(endpoint, first, real_now)
    busy = worker(endpoint, real_now)
    assert receiver.arrived.wait(PATIENCE_SECONDS)
    waiting_for(endpoint, second, real_now)
    assert deliver_due(endpoint_id=endpoint.pk, now=real_now) == []

    receiver.gate.set()
    busy.join(PATIENCE_SECONDS)

    assert [received.id for received in receiver.accepted] == [first.public_id, second.public_id]


def test_a_long_queue_is_sent_in_turns_oldest_first(acme, receiver, now, real_now, monkeypatch):
    endpoint = receiver.subscribe()
    events = [publish(type="demo.letter", organization=acme, data={}, key=str(n), now=now) for n in range(3)]
    for event in events:
        waiting_for(endpoint, event, real_now)
    monkeypatch.setattr(deliveries, "TURN", timedelta(0))

    first_turn = deliver_due(endpoint_id=endpoint.pk, now=real_now)

    assert len(first_turn) == 1, "a turn is over after its time, and always sends something"
    assert [received.id for received in receiver.accepted] == [event.public_id for event in events]


def test_two_workers_at_one_endpoint_deliver_each_message_once(acme, receiver, worker, now, real_now):
    endpoint = receiver.subscribe()
    for n in range(20):
        event = publish(type="demo.letter", organization=acme, data={}, key=str(n), now=now)
        waiting_for(endpoint, event, real_now)

    for thread in [worker(endpoint, real_now) for _ in range(4)]:
        thread.join(PATIENCE_SECONDS)

    assert len(receiver.accepted) == len({received.id for received in receiver.accepted}) == 20
    assert WebhookAttempt.objects.count() == 20
