"""The navigation of an organization's pages. Each app registers its own lines in `AppConfig.ready()`."""

from dataclasses import dataclass

from django.http import HttpRequest
from django.urls import reverse

from accounts.models import Membership
from accounts.permissions import Permission, may


@dataclass(frozen=True, slots=True)
class Entry:
    label: str
    url_name: str
    order: int
    permission: Permission


@dataclass(slots=True)
class Line:
    """What the template draws."""

    label: str
    url: str
    current: bool = False


_entries: dict[str, Entry] = {}


def register(label: str, url_name: str, order: int, permission: Permission = Permission.VIEW) -> None:
    """A line that leads to `url_name` (which takes `org_id`), shown to roles with `permission`; lower `order` first."""
    _entries[url_name] = Entry(label, url_name, order, permission)


def lines_for(membership: Membership, request: HttpRequest) -> list[Line]:
    """The lines this member sees; the one whose address is the longest start of the request's is the current one."""
    lines = [
        Line(entry.label, reverse(entry.url_name, kwargs={"org_id": membership.organization.public_id}))
        for entry in sorted(_entries.values(), key=lambda entry: entry.order)
        if may(membership.role, entry.permission)
    ]
    if around := [line for line in lines if request.path.startswith(line.url)]:
        max(around, key=lambda line: len(line.url)).current = True
    return lines
