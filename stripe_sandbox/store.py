"""Where the sandbox keeps its state: one SQLite file (or memory), one connection, one writer at a time."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .objects import StripeObject

_SCHEMA = """
CREATE TABLE IF NOT EXISTS objects (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    type TEXT NOT NULL,
    created INTEGER NOT NULL,
    data TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS objects_by_type ON objects (type, seq);
CREATE INDEX IF NOT EXISTS objects_by_customer ON objects (type, json_extract(data, '$.customer'));
CREATE INDEX IF NOT EXISTS objects_by_payment_intent ON objects (type, json_extract(data, '$.payment_intent'));
CREATE INDEX IF NOT EXISTS objects_by_lookup_key ON objects (type, json_extract(data, '$.lookup_key'));
CREATE TABLE IF NOT EXISTS deliveries (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    event TEXT NOT NULL,
    endpoint TEXT NOT NULL,
    state TEXT NOT NULL DEFAULT 'pending',
    attempts INTEGER NOT NULL DEFAULT 0,
    next_at REAL NOT NULL DEFAULT 0,
    last_status INTEGER,
    last_error TEXT
);
CREATE INDEX IF NOT EXISTS deliveries_pending ON deliveries (next_at) WHERE state = 'pending';
CREATE INDEX IF NOT EXISTS deliveries_by_event ON deliveries (event);
CREATE TABLE IF NOT EXISTS idempotency (
    key TEXT PRIMARY KEY,
    fingerprint TEXT NOT NULL,
    created INTEGER NOT NULL,
    status INTEGER NOT NULL,
    body TEXT NOT NULL,
    request_id TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS due (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    at INTEGER NOT NULL,
    kind TEXT NOT NULL,
    ref TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS due_in_order ON due (at, seq);
CREATE INDEX IF NOT EXISTS due_by_ref ON due (ref, kind);
CREATE TABLE IF NOT EXISTS settings (name TEXT PRIMARY KEY, value TEXT NOT NULL);
"""


class Store:
    """The tables, and a lock that makes every transaction the only one."""

    def __init__(self, path: str | None = None) -> None:
        """Open (and create) the file at ``path``; ``None`` keeps everything in memory."""
        if path is not None:
            Path(path).parent.mkdir(parents=True, exist_ok=True)
        self._lock = threading.RLock()
        self._depth = 0
        self._db = sqlite3.connect(path or ":memory:", check_same_thread=False, isolation_level=None)
        self._db.row_factory = sqlite3.Row
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = NORMAL")
        self._db.executescript(_SCHEMA)

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Hold the writer's lock; everything inside is kept together or, on an exception, not at all."""
        with self._lock:
            if self._depth:
                raise RuntimeError("transactions of the sandbox do not nest")
            self._depth = 1
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            else:
                self._db.execute("COMMIT")
            finally:
                self._depth = 0

    def execute(self, sql: str, *args: Any) -> sqlite3.Cursor:
        """Run one statement under the lock."""
        with self._lock:
            return self._db.execute(sql, args)

    def rows(self, sql: str, *args: Any) -> list[sqlite3.Row]:
        """All rows of one query, under the lock."""
        with self._lock:
            return self._db.execute(sql, args).fetchall()

    # Objects

    def load(self, object_id: str) -> StripeObject | None:
        """The stored object with this id."""
        rows = self.rows("SELECT data FROM objects WHERE id = ?", object_id)
        return json.loads(rows[0]["data"]) if rows else None

    def insert(self, obj: StripeObject, text: str) -> None:
        """Add a new object; ``text`` is its JSON."""
        self.execute(
            "INSERT INTO objects (id, type, created, data) VALUES (?, ?, ?, ?)",
            obj["id"],
            obj["object"],
            obj.get("created") or 0,
            text,
        )

    def update(self, obj: StripeObject, text: str) -> None:
        """Replace a stored object."""
        self.execute("UPDATE objects SET data = ? WHERE id = ?", text, obj["id"])

    def select(
        self,
        object_type: str,
        *,
        equal: dict[str, Any] | None = None,
        created: dict[str, int] | None = None,
        before: str | None = None,
        after: str | None = None,
        limit: int = -1,
        oldest_first: bool = False,
    ) -> list[StripeObject]:
        """Objects of a type, newest first; ``before``/``after`` are ids that bound the answer by age."""
        where, args = ["type = ?"], [object_type]
        for path, value in (equal or {}).items():
            where.append(f"json_extract(data, '$.{path}') = ?")
            args.append(value)
        for operator, moment in (created or {}).items():
            where.append(f"created {({'gt': '>', 'gte': '>=', 'lt': '<', 'lte': '<='})[operator]} ?")
            args.append(str(moment))
        if before is not None:
            where.append("seq < (SELECT seq FROM objects WHERE id = ?)")
            args.append(before)
        if after is not None:
            where.append("seq > (SELECT seq FROM objects WHERE id = ?)")
            args.append(after)
        direction = "ASC" if oldest_first else "DESC"
        sql = f"SELECT data FROM objects WHERE {' AND '.join(where)} ORDER BY seq {direction} LIMIT {int(limit)}"  # noqa: S608 (names are ours, values are bound)
        return [json.loads(row["data"]) for row in self.rows(sql, *args)]

    # Settings

    def setting(self, name: str, default: Any) -> Any:
        """A stored setting, or the default."""
        rows = self.rows("SELECT value FROM settings WHERE name = ?", name)
        return json.loads(rows[0]["value"]) if rows else default

    def set_setting(self, name: str, value: Any) -> None:
        """Store a setting."""
        self.execute("INSERT OR REPLACE INTO settings (name, value) VALUES (?, ?)", name, json.dumps(value))

    def clear(self) -> None:
        """Forget everything, settings included."""
        for table in ("objects", "deliveries", "idempotency", "due", "settings"):
            self.execute(f"DELETE FROM {table}")  # noqa: S608
