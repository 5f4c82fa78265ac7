"""What the tests of payments share."""

import pytest

from payments.inbox import handlers, handles


@pytest.fixture
def listen(monkeypatch):
    """`listen("customer.*")` registers a handler for this test and returns the list of what it hears.

    `failing=3` makes it raise the first three times.
    """
    monkeypatch.setattr(handlers, "_handlers", list(handlers._handlers))

    def register(*patterns, failing=0, error=RuntimeError):
        heard = []
        left = [failing]

        @handles(*patterns)
        def handler(change):
            if left[0]:
                left[0] -= 1
                raise error("not now")
            heard.append((change.event_type, change.data))

        return heard

    return register


@pytest.fixture
def make_customer(sandbox):
    """A customer at Stripe, and with it an event."""

    def make(name="Acme"):
        return sandbox.client.v1.customers.create({"name": name, "email": "billing@acme.example"}).id

    return make
