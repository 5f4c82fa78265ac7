"""A product's backend that receives our webhooks: a real HTTP server in a thread, which verifies every signature.

def test_something(receiver, acme, django_capture_on_commit_callbacks):
    receiver.subscribe(organization=acme)
    with django_capture_on_commit_callbacks(execute=True):
        …
    assert receiver.types() == ["credits.granted"]
    assert receiver.accepted[0].data["resume"] == {"job": 17}
"""

import json
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from accounts.models import Organization
from notifications.models import WebhookEndpoint
from notifications.services.endpoints import create_endpoint

PATIENCE_SECONDS = 10


@dataclass(frozen=True)
class Received:
    """One request as it came in."""

    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def payload(self) -> dict[str, Any]:
        return json.loads(self.body)

    @property
    def type(self) -> str:
        return self.payload["type"]

    @property
    def data(self) -> dict[str, Any]:
        return self.payload["data"]


@dataclass
class Receiver:
    """What came in, and how to answer it."""

    url: str
    secrets: list[str] = field(default_factory=list)
    # Every request with a good signature, whatever was answered.
    accepted: list[Received] = field(default_factory=list)
    # Requests whose signature no known secret explains; they are answered with 401.
    unsigned: list[Received] = field(default_factory=list)
    # Statuses for the next requests, in order; afterwards 200.
    answers: deque[int] = field(default_factory=deque)
    answer_headers: dict[str, str] = field(default_factory=dict)
    # While this is not set, requests wait for their answer.
    gate: threading.Event = field(default_factory=threading.Event)
    arrived: threading.Event = field(default_factory=threading.Event)

    def subscribe(
        self, *, organization: Organization | None = None, event_types: Sequence[str] = ()
    ) -> WebhookEndpoint:
        """An endpoint that leads here, its secret known."""
        endpoint = create_endpoint(url=self.url, organization=organization, event_types=event_types)
        self.secrets.append(endpoint.secret)
        return endpoint

    def types(self) -> list[str]:
        return [received.type for received in self.accepted]

    def of_type(self, event_type: str) -> list[Received]:
        return [received for received in self.accepted if received.type == event_type]

    def status_for(self, received: Received) -> int:
        if not any(self._verifies(secret, received) for secret in self.secrets):
            self.unsigned.append(received)
            return 401
        self.accepted.append(received)
        self.arrived.set()
        self.gate.wait(PATIENCE_SECONDS)
        return self.answers.popleft() if self.answers else 200

    @staticmethod
    def _verifies(secret: str, received: Received) -> bool:
        try:
            Webhook(secret).verify(received.body, received.headers)
        except WebhookVerificationError:
            return False
        return True


@pytest.fixture
def receivers(settings) -> Iterator[Any]:
    """`receivers()` starts another receiver."""
    settings.WEBHOOKS_ALLOW_PRIVATE_TARGETS = True
    started: list[tuple[Receiver, ThreadingHTTPServer]] = []

    def start() -> Receiver:
        server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(lambda: receiver))
        server.daemon_threads = True
        receiver = Receiver(url=f"http://127.0.0.1:{server.server_port}/webhooks")
        receiver.gate.set()
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        started.append((receiver, server))
        return receiver

    yield start
    for receiver, server in started:
        receiver.gate.set()
        server.shutdown()
        server.server_close()


@pytest.fixture
def receiver(receivers) -> Receiver:
    return receivers()


def _handler(receiver_of: Any) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            receiver: Receiver = receiver_of()
            body = self.rfile.read(int(self.headers["content-length"]))
            received = Received({name.lower(): value for name, value in self.headers.items()}, body)
            self.send_response(receiver.status_for(received))
            for name, value in receiver.answer_headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(b"noted")

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing: the test's output is the test's."""

    return Handler
