"""Which tests go first, which of them a PostgreSQL or a Redis of another make concerns, and how long it all took."""

import os
import time
from collections.abc import Iterator

import pytest

STARTED = pytest.StashKey[float]()
# Fixtures of tests that commit, or that talk to Redis.
REAL_SERVER = {"transactional_db", "live_server", "redis_url"}
# Folders whose subject is SQL of our own: the ledger's functions, statements for thousands of rows, locks.
OUR_SQL = {"credits", "usage"}


def pytest_sessionstart(session: pytest.Session) -> None:
    session.config.stash[STARTED] = time.monotonic()


@pytest.hookimpl(wrapper=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> Iterator[None]:
    """Mark what `server` is about before markers select; then put the long ones where workers begin."""
    for item in items:
        if _concerns_server(item):
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


def _concerns_server(item: pytest.Item) -> bool:
    database = item.get_closest_marker("django_db")
    commits = database is not None and database.kwargs.get("transaction", False)
    return bool(
        commits or item.get_closest_marker("redis") or REAL_SERVER & _fixtures(item) or item.path.parent.name in OUR_SQL
    )


def _fixtures(item: pytest.Item) -> set[str]:
    return set(getattr(item, "fixturenames", ()))
