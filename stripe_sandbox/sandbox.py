"""The sandbox without its HTTP server: its state, its clock, and the threads that move both on."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar

from . import clock, webhooks
from .store import Store
from .world import World

logger = logging.getLogger("stripe_sandbox")

Result = TypeVar("Result")


class Sandbox:
    """Everything but the socket."""

    def __init__(self, *, state: str | None = None, public_url: str = "http://127.0.0.1:12111") -> None:
        """Open the state file (``None``: in memory). ``public_url`` is where browsers reach the hosted pages."""
        self.store = Store(state)
        self.public_url = public_url
        self.sender = webhooks.Sender(self.store)
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []

    # Working

    def world(self, *, now: int | None = None, **request: Any) -> World:
        """A unit of work at the present moment. Call it inside a transaction of the store."""
        return World(self.store, now=int(self.now()) if now is None else now, public_url=self.public_url, **request)

    def change(self, work: Callable[[World], Result]) -> Result:
        """Do this in a transaction of its own, and send the webhooks it causes."""
        with self.store.transaction():
            world = self.world()
            result = work(world)
            world.flush()
        self.work_was_done()
        return result

    def work_was_done(self) -> None:
        """Something was committed: there may be webhooks to send."""
        self.sender.wake()

    # Time

    def now(self) -> float:
        """The sandbox's time, in seconds since the epoch."""
        return clock.now(self.store)

    def run_due(self, *, until: float | None = None) -> int:
        """Do everything due by ``until`` (default: now) and return how many things that were.

        Oldest first, each in a transaction of its own and at its own moment.
        """
        done = 0
        while True:
            with self.store.transaction():
                limit = self.now() if until is None else until
                rows = self.store.rows("SELECT * FROM due WHERE at <= ? ORDER BY at, seq LIMIT 1", int(limit))
                if not rows:
                    return done
                self.store.execute("DELETE FROM due WHERE seq = ?", rows[0]["seq"])
                world = self.world(now=rows[0]["at"])
                clock.fall_due(world, rows[0]["kind"], rows[0]["ref"])
                world.flush()
            done += 1

    def advance(self, to: float, *, freeze: bool = False) -> int:
        """Move the clock forward to ``to`` and return how many things fell due on the way.

        ``freeze`` leaves it standing there; otherwise it runs on. An empty sandbox can be put at any moment; once there
        is something in it, a moment in the past raises ``ValueError``.
        """
        if to < int(self.now()) and self.store.rows("SELECT 1 FROM objects LIMIT 1"):
            raise ValueError("The clock only moves forward.")
        done = self.run_due(until=to)
        with self.store.transaction():
            self.store.set_setting("clock_frozen_at", to if freeze else None)
            self.store.set_setting("clock_offset", 0.0 if freeze else to - time.time())
        self.work_was_done()
        return done

    # Threads

    def start(self, *, deliver: bool = True) -> None:
        """Start delivering webhooks in the background and doing what falls due as time goes by."""
        for name, work in (("clock", self._keep_time), ("webhooks", self._deliver)):
            if name == "webhooks" and not deliver:
                continue
            thread = threading.Thread(target=work, name=f"sandbox-{name}", daemon=True)
            thread.start()
            self._threads.append(thread)

    def close(self) -> None:
        """Stop the threads and close the file. What was not delivered stays queued in it."""
        self._stop.set()
        self.sender.wake()
        for thread in self._threads:
            thread.join(timeout=5)
        self.store.close()

    def _keep_time(self) -> None:
        while not self._stop.wait(1.0):
            try:
                if self.run_due():
                    self.work_was_done()
            except Exception:
                logger.exception("Something that fell due failed")

    def _deliver(self) -> None:
        while not self._stop.is_set():
            try:
                self.sender.deliver_due(stop=self._stop)
            except Exception:
                logger.exception("Delivering webhooks failed")
            self.sender.wait(0.5)
