"""Signed webhooks: at least once, with retries, and with the switches that make them worse."""

import json
import threading
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
import stripe

from stripe_sandbox.testing import LocalSandbox


class Receiver:
    """Remembers what it was handed; answers 200 unless told otherwise."""

    def __init__(self) -> None:
        self.got: list[tuple[bytes, dict[str, str]]] = []
        self.status = 200

    def __call__(self, url: str, body: bytes, headers: dict[str, str]) -> int:
        self.got.append((body, headers))
        return self.status

    @property
    def ids(self) -> list[str]:
        return [json.loads(body)["id"] for body, _ in self.got]


@pytest.fixture
def receiver() -> Receiver:
    return Receiver()


def make_events(sandbox: LocalSandbox, count: int) -> None:
    for number in range(count):
        sandbox.client.v1.customers.create({"name": str(number)})


def test_a_delivery_is_signed_with_the_secret_shown_once(sandbox: LocalSandbox, receiver: Receiver) -> None:
    secret = sandbox.register_endpoint("http://127.0.0.1:9/hook")
    assert secret.startswith("whsec_")
    assert "secret" not in sandbox.client.v1.webhook_endpoints.list().data[0]
    make_events(sandbox, 1)
    sandbox.flush_to(receiver)
    body, headers = receiver.got[0]
    event = stripe.Webhook.construct_event(body, headers["Stripe-Signature"], secret)
    assert (event.type, event.api_version) == ("customer.created", "2026-05-27.dahlia")
    with pytest.raises(stripe.SignatureVerificationError):
        stripe.Webhook.construct_event(body, headers["Stripe-Signature"], "whsec_other")


def test_an_endpoint_gets_only_what_it_asked_for(sandbox: LocalSandbox, receiver: Receiver) -> None:
    sandbox.register_endpoint("http://127.0.0.1:9/hook", ["product.created"])
    make_events(sandbox, 2)
    sandbox.client.v1.products.create({"name": "x"})
    assert sandbox.flush_to(receiver)["delivered"] == 1
    assert json.loads(receiver.got[0][0])["type"] == "product.created"


def test_an_event_shows_the_object_as_it_was_then(sandbox: LocalSandbox, receiver: Receiver) -> None:
    sandbox.register_endpoint("http://127.0.0.1:9/hook")
    customer = sandbox.client.v1.customers.create({"name": "Before"})
    sandbox.client.v1.customers.update(customer.id, {"name": "After"})
    sandbox.flush_to(receiver)
    created, updated = (json.loads(body)["data"] for body, _ in receiver.got)
    assert created["object"]["name"] == "Before"
    assert (updated["object"]["name"], updated["previous_attributes"]) == ("After", {"name": "Before"})


def test_what_was_delivered_is_not_delivered_again(sandbox: LocalSandbox, receiver: Receiver) -> None:
    sandbox.register_endpoint("http://127.0.0.1:9/hook")
    make_events(sandbox, 3)
    assert sandbox.flush_to(receiver) == {"delivered": 3, "failed": 0, "dropped": 0, "requests": 3}
    assert sandbox.flush_to(receiver)["requests"] == 0


def test_a_refused_delivery_is_tried_again(sandbox: LocalSandbox, receiver: Receiver) -> None:
    sandbox.register_endpoint("http://127.0.0.1:9/hook")
    make_events(sandbox, 1)
    receiver.status = 500
    assert sandbox.flush_to(receiver)["failed"] == 1
    assert sandbox.client.v1.events.list().data[0].pending_webhooks == 1
    receiver.status = 200
    assert sandbox.flush_to(receiver)["delivered"] == 1
    assert sandbox.client.v1.events.list().data[0].pending_webhooks == 0
    assert len(set(receiver.ids)) == 1


def test_dropped_events_never_arrive(sandbox: LocalSandbox, receiver: Receiver) -> None:
    sandbox.register_endpoint("http://127.0.0.1:9/hook")
    sandbox.set_delivery(drop=0.3, seed=7)
    make_events(sandbox, 60)
    counts = sandbox.flush_to(receiver)
    assert counts["dropped"] + counts["delivered"] == 60
    assert 5 <= counts["dropped"] <= 35
    sandbox.set_delivery(drop=0)
    assert sandbox.flush_to(receiver)["requests"] == 0


def test_repeated_and_shuffled_events_all_arrive_that_often(sandbox: LocalSandbox, receiver: Receiver) -> None:
    sandbox.register_endpoint("http://127.0.0.1:9/hook")
    sandbox.set_delivery(repeat=3, shuffle=True, seed=3)
    make_events(sandbox, 20)
    assert sandbox.flush_to(receiver)["requests"] == 60
    assert set(Counter(receiver.ids).values()) == {3}
    in_order = [event["id"] for event in sandbox.events() for _ in range(3)]
    assert receiver.ids != in_order


def test_an_event_can_be_sent_again_by_hand(sandbox: LocalSandbox, receiver: Receiver) -> None:
    sandbox.register_endpoint("http://127.0.0.1:9/hook")
    make_events(sandbox, 2)
    sandbox.flush_to(receiver)
    sandbox.redeliver(sandbox.events()[0])
    assert sandbox.flush_to(receiver)["requests"] == 1
    assert receiver.ids[-1] == receiver.ids[0]


def test_a_disabled_or_deleted_endpoint_gets_nothing(sandbox: LocalSandbox, receiver: Receiver) -> None:
    sandbox.register_endpoint("http://127.0.0.1:9/hook")
    endpoint = sandbox.client.v1.webhook_endpoints.list().data[0]
    sandbox.client.v1.webhook_endpoints.update(endpoint.id, {"disabled": True})
    make_events(sandbox, 1)
    assert sandbox.flush_to(receiver)["requests"] == 0
    sandbox.client.v1.webhook_endpoints.update(endpoint.id, {"disabled": False})
    make_events(sandbox, 1)
    sandbox.client.v1.webhook_endpoints.delete(endpoint.id)
    assert sandbox.flush_to(receiver)["requests"] == 0


def test_pending_webhooks_survive_a_restart(tmp_path: Any, receiver: Receiver) -> None:
    state = str(tmp_path / "state.sqlite3")
    with LocalSandbox(state=state) as before:
        secret = before.register_endpoint("http://127.0.0.1:9/hook")
        make_events(before, 2)
    with LocalSandbox(state=state) as after:
        assert after.flush_to(receiver)["delivered"] == 2
    body, headers = receiver.got[0]
    assert stripe.Webhook.construct_event(body, headers["Stripe-Signature"], secret)


def test_a_failed_request_sends_nothing(sandbox: LocalSandbox, receiver: Receiver) -> None:
    sandbox.register_endpoint("http://127.0.0.1:9/hook")
    with pytest.raises(stripe.InvalidRequestError):
        sandbox.client.v1.prices.create(
            {
                "currency": "usd",
                "unit_amount": 5,
                "product_data": {"name": "x"},
                "recurring": {"usage_type": "metered", "interval": "day"},
            }
        )
    assert sandbox.events() == []
    assert sandbox.flush_to(receiver)["requests"] == 0


# Over the wire


@pytest.fixture
def web() -> Iterator[tuple[str, list[bytes], threading.Event]]:
    """A real HTTP receiver: its address, what it got, and a signal that something came."""
    got: list[bytes] = []
    came = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()
            came.set()

        def log_message(self, *args: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/hook", got, came
    server.shutdown()
    server.server_close()


def test_webhooks_go_out_in_the_background(web: tuple[str, list[bytes], threading.Event]) -> None:
    url, got, came = web
    with LocalSandbox(deliver=True) as sandbox:
        sandbox.register_endpoint(url)
        make_events(sandbox, 1)
        assert came.wait(5)
    assert json.loads(got[0])["type"] == "customer.created"


def test_paused_webhooks_wait_for_the_flush(web: tuple[str, list[bytes], threading.Event]) -> None:
    url, got, _ = web
    with LocalSandbox(deliver=True) as sandbox:
        sandbox.set_delivery(paused=True)
        sandbox.register_endpoint(url)
        make_events(sandbox, 2)
        assert got == []
        assert sandbox.flush()["delivered"] == 2
    assert len(got) == 2


def test_an_endpoint_that_is_down_counts_as_failed(sandbox: LocalSandbox) -> None:
    sandbox.register_endpoint("http://127.0.0.1:9/hook")
    make_events(sandbox, 1)
    assert sandbox.flush()["failed"] == 1
    assert sandbox.get("deliveries")[0]["state"] == "pending"
