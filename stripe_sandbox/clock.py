"""The sandbox's time, and who is called when something falls due.

Time runs with the machine's clock plus an offset, or stands still at a moment once it was frozen there. ``sandbox.py``
moves it.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from .store import Store
from .world import World

# What is called with the id of what falls due.
Handler = Callable[[World, str], None]

_HANDLERS: dict[str, Handler] = {}


def when(kind: str) -> Callable[[Handler], Handler]:
    """Register what happens when something scheduled as ``kind`` falls due."""

    def register(handler: Handler) -> Handler:
        _HANDLERS[kind] = handler
        return handler

    return register


def fall_due(world: World, kind: str, ref: str) -> None:
    """What was scheduled as ``kind`` for ``ref`` falls due now."""
    _HANDLERS[kind](world, ref)


def now(store: Store) -> float:
    """The sandbox's time, in seconds since the epoch."""
    frozen = store.setting("clock_frozen_at", None)
    return float(frozen) if frozen is not None else time.time() + float(store.setting("clock_offset", 0.0))
