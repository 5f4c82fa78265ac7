"""Webhooks arrive at least once, under one id, for three days; then they are given up, and can be replayed."""

from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from django.core import mail

from core.errors import RuleRefused
from notifications.models import Event, WebhookAttempt, WebhookDelivery, WebhookEndpoint
from notifications.services.deliveries import deliver_due, replay_delivery, send_test
from notifications.services.endpoints import create_endpoint, update_endpoint
from notifications.services.sweep import sweep

Status = WebhookDelivery.Status


@pytest.fixture
def start(time_machine, real_now) -> datetime:
    """The clock stands still, for the receiver too."""
    time_machine.move_to(real_now, tick=False)
    return real_now


@pytest.fixture
def next_try(time_machine, committed) -> Callable[[], datetime]:
    """Let time pass until the next attempt is due, and run the sweep."""

    def wait() -> datetime:
        at = WebhookDelivery.objects.get().next_attempt_at
        time_machine.move_to(at - timedelta(seconds=1), tick=False)
        with committed():
            assert sweep(now=at - timedelta(seconds=1)).endpoints == 0, "not a second early"
        time_machine.move_to(at, tick=False)
        with committed():
            sweep(now=at)
        return at

    return wait


def state() -> tuple[str, int]:
    delivery = WebhookDelivery.objects.get()
    return delivery.status, delivery.attempts


def test_a_failed_delivery_comes_again_under_the_same_id(start, say, receiver, next_try):
    endpoint = receiver.subscribe()
    receiver.answers.extend([500, 404])

    event = say("demo.silent")
    assert state() == (Status.FAILED, 1)
    assert WebhookEndpoint.objects.get(pk=endpoint.pk).failing_since == start
    next_try()
    next_try()

    assert state() == (Status.DELIVERED, 3)
    assert [received.id for received in receiver.accepted] == [event.public_id] * 3
    assert len({received.body for received in receiver.accepted}) == 1
    attempts = WebhookAttempt.objects.values_list("status_code", "response_excerpt", "error")
    assert list(attempts) == [(500, "noted", ""), (404, "noted", ""), (200, "noted", "")]
    assert WebhookEndpoint.objects.get(pk=endpoint.pk).failing_since is None


def test_retries_go_on_for_three_days_and_then_stop(start, say, receiver, next_try, acme, committed):
    receiver.subscribe(organization=acme)
    receiver.answers.extend([500] * 100)

    say("demo.silent")
    tries = [start]
    while WebhookDelivery.objects.get().next_attempt_at:
        tries.append(next_try())

    assert state() == (Status.EXHAUSTED, len(tries))
    assert tries[-1] == start + timedelta(days=3)
    gaps = [later - earlier for earlier, later in pairwise(tries)]
    planned = [min(timedelta(seconds=15) * 3**n, timedelta(hours=12)) for n in range(len(gaps))]
    for gap, plan in list(zip(gaps, planned, strict=True))[:-1]:
        assert plan <= gap <= plan * 1.1 + timedelta(seconds=10)
    assert gaps[-1] <= planned[-1] * 1.1
    assert len({received.id for received in receiver.accepted}) == 1

    with committed():
        assert sweep(now=start + timedelta(days=30)).endpoints == 0
    assert len(receiver.accepted) == len(tries)


def test_the_organization_is_told_once_when_deliveries_are_given_up(
    start, say, receiver, acme, committed, time_machine
):
    endpoint = receiver.subscribe(organization=acme)
    receiver.answers.extend([500] * 4)
    say("demo.silent", key="a")
    say("demo.silent", key="b")
    assert mail.outbox == []

    over = start + timedelta(days=4)
    time_machine.move_to(over, tick=False)
    with committed():
        deliver_due(endpoint_id=endpoint.pk, now=over)

    assert WebhookDelivery.objects.filter(status=Status.EXHAUSTED).count() == 2
    assert sorted(message.to[0] for message in mail.outbox) == ["alice@acme.example", "billing@acme.example"]
    assert receiver.url in mail.outbox[0].body and "HTTP 500" in mail.outbox[0].body


def test_gone_switches_the_endpoint_off(start, say, receiver, committed):
    endpoint = receiver.subscribe()
    receiver.answers.append(410)

    say("demo.silent", key="a")
    say("demo.silent", key="b")

    endpoint.refresh_from_db()
    assert not endpoint.enabled and "410 Gone" in endpoint.disabled_reason
    assert WebhookDelivery.objects.get().status == Status.EXHAUSTED, "nothing is queued for it any more"
    assert len(receiver.accepted) == 1

    update_endpoint(endpoint=endpoint, url=endpoint.url, event_types=[], description="", enabled=True)
    say("demo.silent", key="c")
    assert len(receiver.accepted) == 2
    endpoint.refresh_from_db()
    assert endpoint.disabled_reason == ""


def test_what_waits_for_a_disabled_endpoint_goes_out_when_it_is_enabled(start, say, receiver, next_try, committed):
    endpoint = receiver.subscribe()
    receiver.answers.append(500)
    say("demo.silent")
    WebhookEndpoint.objects.update(enabled=False)

    with committed():
        assert sweep(now=start + timedelta(hours=1)).endpoints == 0
    assert len(receiver.accepted) == 1

    WebhookEndpoint.objects.filter(pk=endpoint.pk).update(enabled=True)
    next_try()
    assert state() == (Status.DELIVERED, 2)


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_not_followed(say, receiver, receivers, status):
    elsewhere = receivers()
    receiver.subscribe()
    receiver.answers.append(status)
    receiver.answer_headers["location"] = elsewhere.url

    say("demo.silent")

    attempt = WebhookAttempt.objects.get()
    assert (attempt.status_code, attempt.error) == (
        status,
        "Redirects are not followed. Give the endpoint its final URL.",
    )
    assert state() == (Status.FAILED, 1)
    assert elsewhere.accepted == elsewhere.unsigned == []


def test_no_answer_in_time_is_a_failure_that_says_so(say, receiver, settings):
    settings.WEBHOOKS_TIMEOUT_SECONDS = 0.2
    receiver.subscribe()
    receiver.gate.clear()

    say("demo.silent")

    attempt = WebhookAttempt.objects.get()
    assert (attempt.status_code, attempt.error) == (None, "No answer within 0.2 seconds.")
    assert state() == (Status.FAILED, 1)


def test_nobody_listening_is_a_failure_that_says_so(say, settings):
    settings.WEBHOOKS_ALLOW_PRIVATE_TARGETS = True
    create_endpoint(url="http://127.0.0.1:1/")

    say("demo.silent")

    assert "refused" in WebhookAttempt.objects.get().error
    assert state() == (Status.FAILED, 1)


def test_a_worker_that_dies_before_writing_down_the_answer_means_a_second_delivery_under_the_same_id(
    say, receiver, real_now, lost_tasks
):
    """The claim of the dead worker holds the others off until it lapses."""
    endpoint = receiver.subscribe()
    event = say("demo.silent")
    # As the database looks when the worker died after sending: claimed, and nothing recorded.
    WebhookAttempt.objects.all().delete()
    WebhookDelivery.objects.update(status="pending", attempts=0, next_attempt_at=real_now, delivered_at=None)
    WebhookEndpoint.objects.update(claimed_until=real_now + timedelta(seconds=60))

    assert deliver_due(endpoint_id=endpoint.pk, now=real_now + timedelta(seconds=59)) == []
    assert len(deliver_due(endpoint_id=endpoint.pk, now=real_now + timedelta(seconds=60))) == 1

    assert [received.id for received in receiver.accepted] == [event.public_id] * 2
    assert state() == (Status.DELIVERED, 1)


def test_the_task_run_twice_delivers_once(say, receiver, real_now):
    endpoint = receiver.subscribe()
    say("demo.silent")

    assert deliver_due(endpoint_id=endpoint.pk, now=real_now + timedelta(seconds=1)) == []

    assert len(receiver.accepted) == 1 and WebhookAttempt.objects.count() == 1


@pytest.mark.parametrize("first_answer", [200, 500])
def test_a_replay_sends_the_same_message_again_with_fresh_retries(say, receiver, start, committed, first_answer):
    receiver.subscribe()
    receiver.answers.append(first_answer)
    event = say("demo.silent")

    with committed():
        replay_delivery(delivery=WebhookDelivery.objects.get(), now=start)

    assert [received.id for received in receiver.accepted] == [event.public_id] * 2
    assert receiver.accepted[0].body == receiver.accepted[1].body
    assert state() == (Status.DELIVERED, 1)
    assert WebhookAttempt.objects.count() == 2, "what happened before stays on record"


def test_an_exhausted_delivery_gets_three_more_days_when_replayed(
    start, say, receiver, committed, next_try, time_machine
):
    endpoint = receiver.subscribe()
    receiver.answers.extend([500] * 3)
    say("demo.silent")
    over = start + timedelta(days=3)
    time_machine.move_to(over, tick=False)
    with committed():
        deliver_due(endpoint_id=endpoint.pk, now=over)
    assert state() == (Status.EXHAUSTED, 2)

    with committed():
        replay_delivery(delivery=WebhookDelivery.objects.get(), now=over)
    assert state() == (Status.FAILED, 1)
    next_try()
    assert state() == (Status.DELIVERED, 2)


def test_nothing_is_replayed_to_a_disabled_endpoint(say, receiver, real_now):
    receiver.subscribe()
    say("demo.silent")
    WebhookEndpoint.objects.update(enabled=False)

    with pytest.raises(RuleRefused, match="Enable it first"):
        replay_delivery(delivery=WebhookDelivery.objects.get(), now=real_now)

    assert state() == (Status.DELIVERED, 1)


def test_a_test_reaches_one_endpoint_whatever_it_listens_to(receiver, receivers, real_now, committed, db):
    endpoint = receiver.subscribe(event_types=["demo.silent"])
    other = receivers()
    other.subscribe()

    with committed():
        send_test(endpoint=endpoint, now=real_now)

    assert [(received.type, received.data) for received in receiver.accepted] == [
        ("test.ping", {"organization": None, "endpoint": endpoint.public_id})
    ]
    assert other.accepted == []
    assert Event.objects.get().organization is None


def test_a_disabled_endpoint_gets_no_test(receiver, real_now, db):
    endpoint = receiver.subscribe()
    endpoint.enabled = False
    endpoint.save()

    with pytest.raises(RuleRefused, match="Enable it first"):
        send_test(endpoint=endpoint, now=real_now)

    assert not Event.objects.exists()
