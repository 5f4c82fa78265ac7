"""Which function answers which method and path."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Handler = Callable[..., Any]


@dataclass(frozen=True)
class Route:
    """One endpoint: its handler and the name of the ``stripe`` package's type for its parameters."""

    method: str
    pattern: re.Pattern[str]
    params: str | None
    handler: Handler


_ROUTES: list[Route] = []


def route(where: str, params: str | None = None) -> Callable[[Handler], Handler]:
    """``@route("POST /v1/customers/{id}", "CustomerUpdateParams")``. Without a type only ``expand`` is known."""
    method, path = where.split(" ")
    pattern = re.compile("^" + re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", path) + "$")

    def register(handler: Handler) -> Handler:
        _ROUTES.append(Route(method, pattern, params, handler))
        return handler

    return register


def match(method: str, path: str) -> tuple[Route, dict[str, str]] | None:
    """The route for a request, with the values in its path. Fixed paths win over those with a placeholder."""
    found = [(r, m.groupdict()) for r in _ROUTES if r.method == method and (m := r.pattern.match(path))]
    return min(found, key=lambda pair: len(pair[1])) if found else None
