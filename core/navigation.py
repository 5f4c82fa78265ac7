"""The navigation of an organization's pages. Each app registers its own lines in `AppConfig.ready()`.

Who may see which line is for the caller to say: a line carries the permission it needs, and nothing looks closer here.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from django.http import HttpRequest
from django.urls import reverse


@dataclass(frozen=True, slots=True)
class Entry:
    label: str
    url_name: str
    order: int
    permission: Enum | None


@dataclass(slots=True)
class Line:
    """What the template draws."""

    label: str
    url: str
    current: bool = False


_entries: dict[str, Entry] = {}


def register(label: str, url_name: str, order: int, permission: Enum | None = None) -> None:
    """A line to `url_name` (which takes `org_id`), for everyone or those with `permission`; lower `order` first."""
    _entries[url_name] = Entry(label, url_name, order, permission)


def lines_for(request: HttpRequest, *, org_id: str, is_allowed: Callable[[Enum], bool]) -> list[Line]:
    """The lines this person sees; the one whose address is the longest start of the request's is the current one."""
    lines = [
        Line(entry.label, reverse(entry.url_name, kwargs={"org_id": org_id}))
        for entry in sorted(_entries.values(), key=lambda entry: entry.order)
        if entry.permission is None or is_allowed(entry.permission)
    ]
    if around := [line for line in lines if request.path.startswith(line.url)]:
        max(around, key=lambda line: len(line.url)).current = True
    return lines
