"""Signing and delivering events: at least once, with retries, and with switches that make the network worse.

Source of the signature scheme: https://docs.stripe.com/webhooks#verify-manually
"""

from __future__ import annotations

import hashlib
import hmac
import http.client
import json
import random
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields, replace
from typing import Any
from urllib.parse import urlsplit

from .objects import StripeObject
from .store import Store
from .world import public

# Seconds until the next attempt. Stripe's own steps are longer; this is the same idea at a pace one can watch.
BACKOFF_SECONDS = (1, 5, 30, 120, 600, 3600, 4 * 3600, 12 * 3600, 24 * 3600, 24 * 3600)

# (url, body, headers) -> status of the answer.
Transport = Callable[[str, bytes, dict[str, str]], int]


@dataclass(frozen=True)
class Delivery:
    """The switches. The defaults deliver everything once, in order, at once."""

    drop: float = 0.0  # probability that an event is lost for good, as if never sent
    repeat: int = 1  # how often each event is delivered
    shuffle: bool = False  # pick the next event at random instead of oldest first
    paused: bool = False  # queue, but send nothing until flushed or resumed
    slow_seconds: float = 0.0  # wait before each delivery
    seed: int | None = None  # makes drop and shuffle repeatable
    timeout_seconds: float = 20.0


def signature_header(secret: str, body: bytes, timestamp: int | None = None) -> str:
    """``Stripe-Signature`` for a body. The timestamp is the real time: it is the transport's, not the event's."""
    moment = int(time.time()) if timestamp is None else timestamp
    digest = hmac.new(secret.encode(), b"%d.%s" % (moment, body), hashlib.sha256).hexdigest()
    return f"t={moment},v1={digest}"


def body_of(event: StripeObject) -> bytes:
    """The bytes that are sent for an event."""
    return json.dumps(public(event), indent=2).encode()


def post(url: str, body: bytes, headers: dict[str, str], timeout: float = 20.0) -> int:
    """Send one webhook and return the status of the answer. Redirects are not followed, as at Stripe."""
    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=timeout)
    try:
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection.request("POST", path, body=body, headers=headers)
        response = connection.getresponse()
        response.read()
        return response.status
    finally:
        connection.close()


class Sender:
    """Takes pending deliveries from the store and brings them to their endpoints."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._wake = threading.Event()
        self._round = threading.Lock()
        self._random = random.Random()  # noqa: S311

    # Switches

    def settings(self) -> Delivery:
        """The switches as they stand."""
        known = {field.name for field in fields(Delivery)}
        stored = self._store.setting("delivery", {})
        return Delivery(**{name: value for name, value in stored.items() if name in known})

    def change(self, **values: Any) -> Delivery:
        """Set some of the switches; the others stay. Raises ``TypeError`` for an unknown name."""
        with self._store.transaction():
            changed = replace(self.settings(), **values)
            self._store.set_setting("delivery", asdict(changed))
        if changed.seed is not None:
            self._random.seed(changed.seed)
        self.wake()
        return changed

    # Waiting and waking

    def wake(self) -> None:
        """There may be work."""
        self._wake.set()

    def wait(self, seconds: float) -> None:
        """Sleep until woken or until the time is up."""
        self._wake.wait(seconds)
        self._wake.clear()

    # Delivering

    def deliver_due(self, *, stop: threading.Event | None = None) -> None:
        """Deliver what is due, until nothing is, or the switch is off."""
        while not (stop and stop.is_set()):
            switches = self.settings()
            if switches.paused:
                return
            with self._round:
                row = self._next(switches, due_by=time.time())
                if row is None:
                    return
                self._deliver(row, switches, None)

    def flush(self, transport: Transport | None = None) -> dict[str, int]:
        """Deliver everything pending now, retries not yet due included, each event tried once. Returns counts.

        ``transport`` replaces the network (tests hand events straight to a Django test client).
        """
        counts = {"delivered": 0, "failed": 0, "dropped": 0, "requests": 0}
        switches = self.settings()
        with self._round:
            pending = self._store.rows("SELECT * FROM deliveries WHERE state = 'pending' ORDER BY seq")
            if switches.shuffle:
                # Repeats are shuffled among the others too: the second copy need not follow the first.
                pending = [row for row in pending for _ in range(max(1, switches.repeat))]
                self._random.shuffle(pending)
                switches = replace(switches, repeat=1)
            settled: dict[int, str] = {}
            for row in pending:
                if settled.get(row["seq"]) == "dropped":
                    continue
                outcome = self._deliver(row, switches, transport)
                settled[row["seq"]] = outcome
                if outcome != "dropped":
                    counts["requests"] += switches.repeat
            for outcome in settled.values():
                counts[outcome] += 1
        return counts

    def _next(self, switches: Delivery, *, due_by: float) -> Any:
        rows = self._store.rows(
            "SELECT * FROM deliveries WHERE state = 'pending' AND next_at <= ? ORDER BY seq LIMIT ?",
            due_by,
            50 if switches.shuffle else 1,
        )
        if not rows:
            return None
        return self._random.choice(rows) if switches.shuffle else rows[0]

    def _deliver(self, row: Any, switches: Delivery, transport: Transport | None) -> str:
        endpoint, event = self._store.load(row["endpoint"]), self._store.load(row["event"])
        if endpoint is None or event is None or endpoint.get("deleted"):
            return self._settle(row, "dropped", None, "the endpoint is gone")
        if row["attempts"] == 0 and switches.drop and self._random.random() < switches.drop:
            return self._settle(row, "dropped", None, "dropped by the switch")
        body = body_of(event)
        status, error = None, None
        for _ in range(max(1, switches.repeat)):
            if switches.slow_seconds:
                time.sleep(switches.slow_seconds)
            headers = {
                "Content-Type": "application/json; charset=utf-8",
                "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
                "Stripe-Signature": signature_header(endpoint["_secret"], body),
            }
            try:
                send = transport or (lambda u, b, h: post(u, b, h, switches.timeout_seconds))
                status = send(endpoint["url"], body, headers)
            except (OSError, http.client.HTTPException) as exc:
                error = f"{type(exc).__name__}: {exc}"
        if status is not None and 200 <= status < 300:
            return self._settle(row, "delivered", status, None)
        if row["attempts"] >= len(BACKOFF_SECONDS):
            return self._settle(row, "failed", status, error)
        self._store.execute(
            "UPDATE deliveries SET attempts = attempts + 1, next_at = ?, last_status = ?, last_error = ? WHERE seq = ?",
            time.time() + BACKOFF_SECONDS[row["attempts"]],
            status,
            error,
            row["seq"],
        )
        return "failed"

    def _settle(self, row: Any, state: str, status: int | None, error: str | None) -> str:
        self._store.execute(
            "UPDATE deliveries SET state = ?, attempts = attempts + 1, last_status = ?, last_error = ? WHERE seq = ?",
            state,
            status,
            error,
            row["seq"],
        )
        return state
