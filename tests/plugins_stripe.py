"""Stripe in tests: the project's own sandbox, in a thread, spoken to over HTTP as in life.

`sandbox` is empty at the start of every test. Nothing is delivered until the test says so::

    sandbox.pay(session)      # the customer pays
    sandbox.deliver()         # Stripe tells us, and the workers act on it
"""

import copy
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from payments import inbox
from payments.inbox.enabled_events import enabled_events
from payments.models import StripeEvent
from stripe_sandbox.testing import LocalSandbox

SandboxState = dict[str, list[tuple[Any, ...]]]
"""The rows of each of its tables."""


class PortalSandbox(LocalSandbox):
    """A sandbox whose webhooks reach the portal under test."""

    def deliver(self) -> Counter[str]:
        """Hand everything pending to the portal and let it act, until nothing new comes of it.

        The deliveries are Stripe's own bytes with Stripe's signature, put into Django's test client. Returns how many
        requests were answered with which status, and how many events ended in which.
        """
        outcome: Counter[str] = Counter()
        client = Client()

        def receive(url: str, body: bytes, headers: dict[str, str]) -> int:
            status = post_webhook(body, headers["Stripe-Signature"], client)
            outcome[str(status)] += 1
            return status

        delivered = 1
        while delivered:
            delivered = self.flush_to(receive)["delivered"]
            outcome.update(work_off_inbox())
        return outcome

    def state(self) -> SandboxState:
        """All that it knows, to be put back later."""
        store = self._server.sandbox.store
        with store.transaction():
            tables = [name for (name,) in store.rows("SELECT name FROM sqlite_master WHERE type = 'table'")]
            return {table: [tuple(row) for row in store.rows(f"SELECT * FROM {table}")] for table in tables}

    def put_back(self, state: SandboxState) -> None:
        """Forget everything, and know again what was known then."""
        store = self._server.sandbox.store
        with store.transaction():
            for table, rows in state.items():
                store.execute(f"DELETE FROM {table}")
                for row in rows:
                    store.execute(f"INSERT INTO {table} VALUES ({', '.join('?' * len(row))})", *row)

    def deliver_over_http(self, server_url: str) -> str:
        """From now on `flush()` sends webhooks to a live server; returns the secret that signs them."""
        for endpoint in self.client.v1.webhook_endpoints.list().data:
            self.client.v1.webhook_endpoints.delete(endpoint.id)
        return self.register_endpoint(server_url + reverse("api_stripe_webhook"), enabled_events())


def post_webhook(body: bytes, signature: str, client: Client | None = None) -> int:
    """Deliver to the portal under test, as Stripe would; returns the status of the answer."""
    response = (client or Client()).post(
        reverse("api_stripe_webhook"), body, content_type="application/json", headers={"Stripe-Signature": signature}
    )
    return response.status_code


def work_off_inbox() -> Counter[str]:
    """What the workers do: inside a test's transaction nothing is committed, so no task was queued."""
    outcome: Counter[str] = Counter()
    waiting = StripeEvent.objects.filter(status=StripeEvent.Status.RECEIVED).order_by("id")
    for stripe_id in waiting.values_list("stripe_id", flat=True):
        event = inbox.process_event(stripe_id=stripe_id, now=timezone.now())
        if event is not None:
            outcome[event.status] += 1
    return outcome


@pytest.fixture(scope="session")
def sandbox_server() -> Iterator[PortalSandbox]:
    with PortalSandbox() as server:
        yield server


@pytest.fixture(scope="session")
def empty_sandbox(sandbox_server: PortalSandbox) -> tuple[str, SandboxState]:
    """A sandbox that knows the portal's webhook endpoint and nothing else, and the secret of that endpoint."""
    address = django_settings.PORTAL_URL + reverse("api_stripe_webhook")
    secret = sandbox_server.register_endpoint(address, enabled_events())
    return secret, sandbox_server.state()


@pytest.fixture
def sandbox(
    sandbox_server: PortalSandbox, empty_sandbox: tuple[str, SandboxState], settings
) -> Iterator[PortalSandbox]:
    """An empty Stripe that the portal's settings point at, with the portal's webhook endpoint registered."""
    settings.STRIPE_SANDBOX = True
    settings.STRIPE_API_BASE = settings.STRIPE_SANDBOX_URL = settings.STRIPE_API_HOST = sandbox_server.url
    settings.STRIPE_SECRET_KEY = settings.STRIPE_TEST_SECRET_KEY = sandbox_server.api_key
    # A test that breaks the network should not wait for it to come back.
    settings.STRIPE_MAX_NETWORK_RETRIES = 0
    policy = copy.deepcopy(settings.CONTENT_SECURITY_POLICY)
    policy["DIRECTIVES"]["form-action"].append(sandbox_server.url)
    settings.CONTENT_SECURITY_POLICY = policy
    secret, state = empty_sandbox
    sandbox_server.put_back(state)
    settings.STRIPE_WEBHOOK_SECRET = secret
    yield sandbox_server
    sandbox_server.clear_faults()


@pytest.fixture
def live_sandbox(sandbox: PortalSandbox, live_server, settings) -> PortalSandbox:
    """For browser tests: `flush()` delivers over HTTP to `live_server`, whose workers run within the request."""
    settings.PORTAL_URL = live_server.url
    settings.STRIPE_WEBHOOK_SECRET = sandbox.deliver_over_http(live_server.url)
    return sandbox
