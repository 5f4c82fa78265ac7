"""Checks behind `/readyz`. Each app registers its own; none may raise for an ordinary outage, it answers with words."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Health:
    """`ok` false makes the instance unready; `detail` is one line for the operator."""

    ok: bool
    detail: str


Check = Callable[[], Health]
checks: dict[str, Check] = {}


def register(name: str, check: Check) -> None:
    checks[name] = check
