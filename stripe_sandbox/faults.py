"""Fault injection: let the API answer errors, be slow, be down, or lose its answer, for the next N requests.

``error``  answers ``status`` and does nothing.
``down``   closes the connection without answering, and does nothing.
``lost``   does the work and then closes the connection: the caller cannot know.
``slow``   waits ``seconds`` and then works as usual.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from .store import Store

KINDS = ("error", "down", "lost", "slow")


@dataclass
class Fault:
    """What to do to the next ``times`` requests whose path begins with ``path`` (and whose method is ``method``)."""

    kind: str
    times: int = 1
    status: int = 500
    seconds: float = 1.0
    path: str = "/v1/"
    method: str | None = None

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"kind must be one of {', '.join(KINDS)}")


def inject(store: Store, **values: Any) -> Fault:
    """Queue a fault."""
    fault = Fault(**values)
    with store.transaction():
        store.set_setting("faults", [*store.setting("faults", []), asdict(fault)])
    return fault


def clear(store: Store) -> None:
    """Forget all faults."""
    with store.transaction():
        store.set_setting("faults", [])


def take(store: Store, method: str, path: str) -> Fault | None:
    """The fault meant for this request, used up by it."""
    if not store.setting("faults", []):
        return None
    with store.transaction():
        faults = [Fault(**values) for values in store.setting("faults", [])]
        for fault in faults:
            if path.startswith(fault.path) and fault.method in (None, method):
                fault.times -= 1
                store.set_setting("faults", [asdict(f) for f in faults if f.times > 0])
                return fault
    return None
