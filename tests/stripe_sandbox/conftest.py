"""A sandbox per test: it starts in a few milliseconds and forgets everything."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from stripe_sandbox.testing import LocalSandbox
from tests.stripe_sandbox.shop import Shop

START = datetime(2027, 1, 31, 12, tzinfo=UTC)


@pytest.fixture
def sandbox() -> Iterator[LocalSandbox]:
    """An empty sandbox on the machine's clock."""
    with LocalSandbox() as running:
        yield running


@pytest.fixture
def client(sandbox: LocalSandbox) -> Any:
    """The official client, pointed at the sandbox."""
    return sandbox.client


@pytest.fixture
def shop(sandbox: LocalSandbox) -> Shop:
    """Short ways to make customers, prices, sessions and subscriptions."""
    return Shop(sandbox)


@pytest.fixture
def dated_shop(sandbox: LocalSandbox) -> Shop:
    """The same, with the clock standing at noon of 31 January 2027."""
    sandbox.advance(START)
    return Shop(sandbox)
