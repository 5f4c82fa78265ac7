"""A request that came in over HTTP, and the response that goes out."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Request:
    """What came in over HTTP. Header names are in lower case."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes = b""


@dataclass
class Response:
    """What goes out. ``dropped`` closes the connection without a word."""

    status: int = 200
    body: bytes = b""
    content_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)
    dropped: bool = False
