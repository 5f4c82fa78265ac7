"""Celery's broker in a folder, for a machine without Redis.

Kombu's filesystem transport, with its steps made atomic: a message appears in the queue whole, exactly one worker
takes it, and nobody reads half a table of bindings. (Kombu writes into files that a reader may already have found,
and moves a taken message through the system's temporary folder, which may be another disk.) A message taken by a
worker that is then killed is lost; the sweeps of the timetable make up for that, as they do for anything else that
was lost.
"""

import fcntl
import os
import threading
import time
import uuid
from pathlib import Path
from queue import Empty
from typing import Any

from kombu.transport import filesystem
from kombu.utils.json import dumps, loads

_binding = threading.Lock()


class Channel(filesystem.Channel):
    # Kombu's own classes disagree about the names of the arguments.
    def _put(self, queue: str, payload: Any, **kwargs: Any) -> None:  # type: ignore[override]
        name = f"{time.time_ns()}_{uuid.uuid4()}"
        _write_whole(Path(self.data_folder_out, f"{name}.{queue}.msg"), dumps(payload))

    def _get(self, queue: str, timeout: float | None = None) -> Any:
        for name in sorted(os.listdir(self.data_folder_in)):
            if name.partition(".")[2] != f"{queue}.msg":
                continue
            taken = Path(self.data_folder_in, f"{name}.{os.getpid()}.taken")
            try:
                Path(self.data_folder_in, name).rename(taken)
            except FileNotFoundError:
                continue  # another worker was first
            payload = loads(taken.read_text())
            taken.unlink()
            return payload
        raise Empty

    def queue_bind(self, *args: Any, **kwargs: Any) -> None:
        """Kombu notes that a queue is bound before it is; another thread would then send to nowhere."""
        with _binding:
            super().queue_bind(*args, **kwargs)

    def _queue_bind(self, exchange: str, routing_key: str, pattern: str, queue: str) -> None:
        self.control_folder.mkdir(parents=True, exist_ok=True)
        with open(self.control_folder / "bindings.lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            bindings = [tuple(binding) for binding in self.get_table(exchange)]
            binding = (routing_key or "", pattern or "", queue or "")
            if binding not in bindings:
                _write_whole(self._exchange_file(exchange), dumps([binding, *bindings]))


class Transport(filesystem.Transport):
    Channel = Channel

    def drain_events(self, connection: Any, timeout: float | None = None, **kwargs: Any) -> Any:
        """Look up from the folder often enough for a worker that was told to stop."""
        return super().drain_events(connection, timeout=min(timeout, 0.3) if timeout else timeout, **kwargs)


def _write_whole(path: Path, text: str) -> None:
    unfinished = path.with_name(f"{path.name}.{uuid.uuid4()}.tmp")
    unfinished.write_text(text)
    unfinished.rename(path)
