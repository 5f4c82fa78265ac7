"""The clock, and everything that falls due when it moves.

Time runs with the machine's clock plus an offset, or stands still at a moment once it was frozen there. Moving it does,
in order and each at its own moment, what fell due on the way: renewals, retries, delayed payments, expiries.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from .store import Store
from .world import World

if TYPE_CHECKING:
    from .server import Sandbox

_HANDLERS: dict[str, Callable[[World, str], None]] = {}


def when(kind: str) -> Callable[[Callable[[World, str], None]], Callable[[World, str], None]]:
    """Register what happens when something scheduled as ``kind`` falls due."""

    def register(handler: Callable[[World, str], None]) -> Callable[[World, str], None]:
        _HANDLERS[kind] = handler
        return handler

    return register


def now(store: Store) -> float:
    """The sandbox's time."""
    frozen = store.setting("clock_frozen_at", None)
    return float(frozen) if frozen is not None else time.time() + float(store.setting("clock_offset", 0.0))


def run_due(sandbox: Sandbox, *, until: float | None = None) -> int:
    """Do everything due by ``until`` (default: now), oldest first, each in a transaction of its own."""
    done = 0
    while True:
        with sandbox.store.transaction():
            limit = now(sandbox.store) if until is None else until
            rows = sandbox.store.rows("SELECT * FROM due WHERE at <= ? ORDER BY at, seq LIMIT 1", int(limit))
            if not rows:
                return done
            sandbox.store.execute("DELETE FROM due WHERE seq = ?", rows[0]["seq"])
            world = sandbox.world(now=rows[0]["at"])
            _HANDLERS[rows[0]["kind"]](world, rows[0]["ref"])
            world.flush()
        done += 1


def advance(sandbox: Sandbox, to: float, *, freeze: bool = False) -> int:
    """Move the clock forward to ``to`` and return how many things fell due on the way.

    ``freeze`` leaves it standing there; otherwise it runs on. An empty sandbox can be put at any moment; once there is
    something in it, a moment in the past raises ``ValueError``.
    """
    if to < int(now(sandbox.store)) and sandbox.store.rows("SELECT 1 FROM objects LIMIT 1"):
        raise ValueError("The clock only moves forward.")
    done = run_due(sandbox, until=to)
    with sandbox.store.transaction():
        sandbox.store.set_setting("clock_frozen_at", to if freeze else None)
        sandbox.store.set_setting("clock_offset", 0.0 if freeze else to - time.time())
    sandbox.work_was_done()
    return done
