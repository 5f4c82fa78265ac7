"""The frame around every page, and the few helpers they share."""

from __future__ import annotations

from datetime import UTC, datetime
from html import escape
from pathlib import Path
from string import Template
from typing import Any

from .. import forms
from ..http import Request, Response

_HERE = Path(__file__).parent
_LAYOUT = Template((_HERE / "layout.html").read_text())
_CSS = (_HERE / "sandbox.css").read_bytes()
_HEADERS = {
    # No form-action: a completed checkout redirects the form to the merchant's own address.
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}


def h(value: Any) -> str:
    """Escape for HTML."""
    return escape(str(value), quote=True)


def page(title: str, body: str, *, status: int = 200, wide: bool = False) -> Response:
    """A whole page."""
    text = _LAYOUT.substitute(title=h(title), body=body, width="wide" if wide else "narrow")
    return Response(status, text.encode(), "text/html; charset=utf-8", dict(_HEADERS))


def message(title: str, text: str, *, link: str = "", label: str = "", status: int = 200) -> Response:
    """A page that says one thing."""
    onward = f'<p><a class="button" href="{h(link)}">{h(label)}</a></p>' if link else ""
    return page(title, f'<section class="card"><h1>{h(title)}</h1><p>{h(text)}</p>{onward}</section>', status=status)


def redirect(url: str) -> Response:
    """303: go there with GET."""
    return Response(303, b"", "text/plain", {"Location": url, "Cache-Control": "no-store"})


def stylesheet() -> Response:
    """The one style sheet."""
    return Response(200, _CSS, "text/css; charset=utf-8", {"Cache-Control": "max-age=60"})


def form_of(request: Request) -> dict[str, Any]:
    """The submitted form."""
    return forms.decode(request.body.decode())


def notice(text: str | None, kind: str = "error") -> str:
    """A message inside a page, announced to screen readers."""
    return f'<p class="notice {kind}" role="alert">{h(text)}</p>' if text else ""


def date(moment: int | None) -> str:
    """A day, in UTC."""
    return "" if moment is None else datetime.fromtimestamp(moment, UTC).strftime("%-d %B %Y")


def instant(moment: float) -> str:
    """A moment, in UTC."""
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
