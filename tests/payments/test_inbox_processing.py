"""Each event is acted on once, on fresh state, in any order, and failures heal."""

import threading
from datetime import UTC, datetime, timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone
from djstripe import models as djstripe

from payments import inbox
from payments.gateway.client import PinnedTransport
from payments.inbox import handles
from payments.inbox.deliveries import store as store_event
from payments.inbox.processing import LONGEST_BACKOFF, backoff
from payments.models import HandledObject, StripeEvent
from payments.models.inbox import LEASE, SWEEP_AFTER
from tests.plugins_stripe import post_webhook, work_off_inbox


@pytest.fixture
def store(sandbox, settings, db):
    """Deliver all events so far, but let no worker near them; returns the rows."""

    def deliver():
        sandbox.flush_to(lambda url, body, headers: post_webhook(body, headers["Stripe-Signature"]))
        return list(StripeEvent.objects.order_by("id"))

    return deliver


def test_an_event_reaches_its_handler_once_though_it_came_three_times(sandbox, listen, make_customer, db):
    heard = listen("customer.created")
    customer = make_customer()
    sandbox.set_delivery(repeat=3)
    sandbox.deliver()
    sandbox.redeliver()
    sandbox.deliver()
    assert [(kind, data["id"]) for kind, data in heard] == [("customer.created", customer)]
    assert StripeEvent.objects.get().status == StripeEvent.Status.DONE


def test_handlers_see_the_state_of_now_whatever_the_order_of_delivery(sandbox, listen, make_customer, store):
    heard = listen("customer.*")
    customer = make_customer("First")
    sandbox.client.v1.customers.update(customer, {"name": "Second"})
    created, updated = store()
    for event in (updated, created):
        inbox.process_event(stripe_id=event.stripe_id, now=timezone.now())
    assert [(kind, data["name"]) for kind, data in heard] == [
        ("customer.updated", "Second"),
        ("customer.created", "Second"),
    ]


def test_the_mirror_holds_the_state_of_now(sandbox, make_customer, store):
    customer = make_customer("First")
    sandbox.client.v1.customers.update(customer, {"name": "Second"})
    store()
    work_off_inbox()
    assert djstripe.Customer.objects.get(id=customer).name == "Second"


def test_patterns_choose_handlers_and_each_hears_an_event_once(sandbox, listen, make_customer, db):
    twice = listen("customer.*", "customer.created")
    never = listen("customer.updated", "invoice.*")
    make_customer()
    sandbox.deliver()
    assert len(twice) == 1
    assert never == []


def test_what_nobody_has_a_use_for_is_ignored(sandbox, make_customer, store):
    make_customer()
    [event] = store()
    StripeEvent.objects.update(type="radar.review.opened", object_type="review")
    inbox.process_event(stripe_id=event.stripe_id, now=timezone.now())
    event.refresh_from_db()
    assert event.status == StripeEvent.Status.IGNORED
    assert event.processed_at is not None


def test_an_object_that_is_gone_is_not_acted_on(sandbox, listen, make_customer, store):
    heard = listen("customer.*")
    make_customer()
    [event] = store()
    StripeEvent.objects.update(object_id="cus_gone")
    inbox.process_event(stripe_id=event.stripe_id, now=timezone.now())
    event.refresh_from_db()
    assert (heard, event.status) == ([], StripeEvent.Status.IGNORED)
    assert "no such object" in event.last_error


def test_a_failing_handler_changes_nothing_and_is_tried_again_with_growing_patience(
    sandbox, listen, make_customer, store
):
    heard = listen("customer.created", failing=3)
    make_customer()
    [event] = store()
    now = timezone.now()
    waits = []
    for _ in range(3):
        inbox.process_event(stripe_id=event.stripe_id, now=now)
        event.refresh_from_db()
        assert (event.status, event.last_error) == (StripeEvent.Status.FAILED, "RuntimeError: not now")
        waits.append(event.next_attempt_at - now)
        assert inbox.process_due(now=event.next_attempt_at - timedelta(seconds=1)) == {}
        now = event.next_attempt_at
    assert waits[0] < waits[1] < waits[2]
    assert heard == []

    assert inbox.process_due(now=now) == {"done": 1}

    event.refresh_from_db()
    assert (event.attempts, event.last_error, len(heard)) == (4, "", 1)


def test_one_failing_handler_takes_back_what_the_others_did(sandbox, listen, make_customer, store):
    listen()

    @handles("customer.created")
    def write(change):
        HandledObject.objects.create(object_id="a trace", handled_at=change.now)

    listen("customer.created", failing=1)
    make_customer()
    [event] = store()
    inbox.process_event(stripe_id=event.stripe_id, now=timezone.now())
    assert not HandledObject.objects.filter(object_id="a trace").exists()


def test_patience_has_an_end_and_no_two_events_keep_step():
    assert backoff(attempts=1, stripe_id="evt_a") >= timedelta(seconds=30)
    assert backoff(attempts=50, stripe_id="evt_a") <= LONGEST_BACKOFF * 1.1
    assert backoff(attempts=5, stripe_id="evt_a") != backoff(attempts=5, stripe_id="evt_b")


def test_while_stripe_is_down_events_wait_and_are_done_afterwards(sandbox, listen, make_customer, store):
    heard = listen("customer.created")
    make_customer()
    [event] = store()
    sandbox.fault("down")
    inbox.process_event(stripe_id=event.stripe_id, now=timezone.now())
    event.refresh_from_db()
    assert event.status == StripeEvent.Status.FAILED
    assert event.last_error.startswith("StripeUnavailable")

    inbox.process_due(now=event.next_attempt_at)

    assert len(heard) == 1


def test_a_killed_worker_leaves_a_claim_that_lapses(sandbox, listen, make_customer, store):
    listen("customer.created", failing=1, error=SystemExit)
    make_customer()
    [event] = store()
    now = timezone.now()
    with pytest.raises(SystemExit):
        inbox.process_event(stripe_id=event.stripe_id, now=now)
    event.refresh_from_db()
    assert event.status == StripeEvent.Status.PROCESSING

    assert inbox.process_due(now=now + LEASE - timedelta(seconds=1)) == {}
    assert inbox.process_event(stripe_id=event.stripe_id, now=now) is None
    assert inbox.process_due(now=now + LEASE) == {"done": 1}


def test_a_forgotten_event_is_swept_up(sandbox, listen, make_customer, store):
    heard = listen("customer.created")
    make_customer()
    [event] = store()
    assert inbox.process_due(now=event.received_at + SWEEP_AFTER - timedelta(seconds=1)) == {}
    assert inbox.process_due(now=event.received_at + SWEEP_AFTER) == {"done": 1}
    assert len(heard) == 1


def test_a_worker_whose_claim_was_taken_over_leaves_no_trace(sandbox, listen, make_customer, store):
    """The first worker stalls beyond its lease within the handler; the second does the work; the first wakes up."""
    heard = listen("customer.created")
    make_customer()
    [event] = store()
    now = timezone.now()
    stalls = [True]

    @handles("customer.created")
    def stall(change):
        if stalls.pop() if stalls else False:
            StripeEvent.objects.filter(pk=event.pk).update(attempts=event.attempts + 2)
            HandledObject.objects.create(object_id="by the first", handled_at=change.now)

    inbox.process_event(stripe_id=event.stripe_id, now=now)

    event.refresh_from_db()
    assert event.status == StripeEvent.Status.PROCESSING
    assert not HandledObject.objects.filter(object_id="by the first").exists()
    assert inbox.process_due(now=now + LEASE) == {"done": 1}
    assert len(heard) == 2


def test_the_command_says_what_it_did_and_fails_when_something_failed(sandbox, listen, make_customer, store, capsys):
    listen("customer.created", failing=1)
    make_customer()
    store()
    StripeEvent.objects.update(next_attempt_at=timezone.now())
    with pytest.raises(CommandError, match="1 event"):
        call_command("process_stripe_events")
    StripeEvent.objects.update(next_attempt_at=timezone.now())
    call_command("process_stripe_events")
    assert "1 done; 0 still waiting" in capsys.readouterr().out


def test_replay_runs_a_finished_event_again_and_ignore_ends_a_failing_one(sandbox, listen, make_customer, store):
    heard = listen("customer.created")
    make_customer()
    [event] = store()
    work_off_inbox()
    assert inbox.replay(event=event, now=timezone.now()).status == StripeEvent.Status.DONE
    assert len(heard) == 2
    assert inbox.ignore(event=event, now=timezone.now()) is False

    StripeEvent.objects.update(status=StripeEvent.Status.FAILED, next_attempt_at=timezone.now(), processed_at=None)
    assert inbox.ignore(event=event, now=timezone.now()) is True
    event.refresh_from_db()
    assert event.status == StripeEvent.Status.IGNORED
    assert inbox.process_due(now=timezone.now() + timedelta(days=1)) == {}


def test_replay_leaves_an_event_alone_that_a_worker_has_in_hand(sandbox, make_customer, store):
    make_customer()
    [event] = store()
    now = timezone.now()
    StripeEvent.objects.update(status=StripeEvent.Status.PROCESSING, attempts=1, next_attempt_at=now + LEASE)
    assert inbox.replay(event=event, now=now) is None


def test_a_mirror_that_stumbles_keeps_nobody_from_their_credits(sandbox, listen, make_customer, store):
    """dj-stripe cannot tell whose key this is; the handler runs all the same, and the row says what happened."""
    heard = listen("customer.created")
    make_customer()
    [event] = store()
    sandbox.fault("error", status=500, path="/v1/account")
    inbox.process_event(stripe_id=event.stripe_id, now=timezone.now())
    event.refresh_from_db()
    assert (event.status, len(heard)) == (StripeEvent.Status.DONE, 1)
    assert "APIError" in event.mirror_error


def test_return_pages_go_through_the_same_door(sandbox, listen, make_customer, db):
    heard = listen("customer.created")
    customer = make_customer()
    data = inbox.handle_object(
        object_type="customer", object_id=customer, event_type="customer.created", now=timezone.now()
    )
    assert data["id"] == customer
    assert len(heard) == 1


def test_what_was_read_before_somebody_acted_may_not_be_acted_on(db):
    long_ago = datetime(2020, 1, 1, tzinfo=UTC)
    assert HandledObject.take(object_id="cus_1", read_from=long_ago) is True
    assert HandledObject.take(object_id="cus_1", read_from=long_ago) is False
    assert HandledObject.take(object_id="cus_2", read_from=long_ago) is True
    assert HandledObject.take(object_id="cus_1", read_from=timezone.now() + timedelta(hours=1)) is True


@pytest.mark.django_db(transaction=True)
def test_a_worker_with_an_old_answer_reads_again(sandbox, listen, make_customer, monkeypatch):
    """Two workers, one customer: the first one's answer is held up on the way until the second one has acted on a
    later state. The first must not bring the earlier state back.
    """
    heard = listen("customer.*")
    customer = make_customer("First")
    has_read, may_go_on = threading.Event(), threading.Event()
    request = PinnedTransport.request

    def held_up(self, method, url, *args, **kwargs):
        answer = request(self, method, url, *args, **kwargs)
        if threading.current_thread().name == "first" and not has_read.is_set() and url.endswith(customer):
            has_read.set()
            assert may_go_on.wait(10)
        return answer

    monkeypatch.setattr(PinnedTransport, "request", held_up)

    def take_in(event_type):
        """Store the event; its task runs at once, in this thread."""
        store_event(payload=sandbox.events(event_type)[0], now=timezone.now())
        connection.close()

    first = threading.Thread(target=take_in, args=["customer.created"], name="first")
    first.start()
    assert has_read.wait(10)
    sandbox.client.v1.customers.update(customer, {"name": "Second"})
    take_in("customer.updated")
    may_go_on.set()
    first.join(10)

    assert [(kind, data["name"]) for kind, data in heard] == [
        ("customer.updated", "Second"),
        ("customer.created", "Second"),
    ]
    assert djstripe.Customer.objects.get(id=customer).name == "Second"


def test_a_burst_about_one_object_is_copied_once(sandbox, make_customer, store):
    """The mirror already shows what is newer than all of them, and nobody listens: nothing to ask Stripe for."""
    customer = make_customer("First")
    for name in ("Second", "Third", "Fourth"):
        sandbox.client.v1.customers.update(customer, {"name": name})
    events = store()
    inbox.process_event(stripe_id=events[0].stripe_id, now=timezone.now())

    sandbox.fault("down", times=99)
    work_off_inbox()

    assert set(StripeEvent.objects.values_list("status", flat=True)) == {StripeEvent.Status.DONE}
    assert djstripe.Customer.objects.get(id=customer).name == "Fourth"
    sandbox.clear_faults()

    sandbox.client.v1.customers.update(customer, {"name": "Fifth"})
    store()
    work_off_inbox()
    assert djstripe.Customer.objects.get(id=customer).name == "Fifth"


def test_a_failed_copy_is_made_by_the_next_event(sandbox, make_customer, store):
    customer = make_customer("First")
    sandbox.client.v1.customers.update(customer, {"name": "Second"})
    first, second = store()
    sandbox.fault("error", status=500, path="/v1/account")
    inbox.process_event(stripe_id=first.stripe_id, now=timezone.now())
    assert not djstripe.Customer.objects.filter(id=customer).exists()

    inbox.process_event(stripe_id=second.stripe_id, now=timezone.now())

    assert djstripe.Customer.objects.get(id=customer).name == "Second"
