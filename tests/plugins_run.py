"""Which tests go first, which of them talk to a PostgreSQL or a Redis, and how long it all took."""

import os
import time
from collections.abc import Iterator

import pytest

STARTED = pytest.StashKey[float]()
SERVERS = {"db", "transactional_db", "django_db_setup", "live_server", "redis_url"}
"""Fixtures of tests that talk to a server."""


def pytest_sessionstart(session: pytest.Session) -> None:
    session.config.stash[STARTED] = time.monotonic()


@pytest.hookimpl(wrapper=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> Iterator[None]:
    """Mark what `server` is about before markers select; then put the long ones where workers begin."""
    for item in items:
        if _talks_to_a_server(item):
            item.add_marker("server")
    yield
    _spread_long_ones(items)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    minutes, seconds = divmod(round(time.monotonic() - config.stash[STARTED]), 60)
    cores = os.cpu_count() or 1
    terminalreporter.write_line(f"took {minutes} min {seconds} s on {cores} core{'s' if cores > 1 else ''}")


def _spread_long_ones(items: list[pytest.Item]) -> None:
    """Each at the beginning of an equal share of the rest, which is what xdist gives a worker to start with.

    One left over for the end would keep a single worker busy; two in one share would follow each other.
    """
    long = [item for item in items if item.get_closest_marker("long")]
    items[:] = [item for item in items if not item.get_closest_marker("long")]
    total = len(items) + len(long)
    for number, item in enumerate(long):
        items.insert(number * total // len(long), item)


def _talks_to_a_server(item: pytest.Item) -> bool:
    marked = item.get_closest_marker("django_db") or item.get_closest_marker("redis")
    return marked is not None or not SERVERS.isdisjoint(getattr(item, "fixturenames", ()))
