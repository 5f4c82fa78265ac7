"""The figures at the top of the back office: trouble first, then money. Admin modules register those of their app."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import urlencode

from django.contrib.admin import AdminSite
from django.db.models import Model
from django.http import HttpRequest
from django.urls import reverse

RECENT = timedelta(days=30)


@dataclass(frozen=True, slots=True, order=True)
class Panel:
    """A group of figures; apps that have figures of a kind of their own make one. Lower `order` first."""

    order: int
    title: str

    def __str__(self) -> str:
        return self.title


TROUBLE = Panel(0, "Trouble")


@dataclass(frozen=True, slots=True)
class Figure:
    """`filters` are those of the model's change list, which then shows what was counted and nothing else."""

    value: str
    label: str
    filters: Mapping[str, object] = field(default_factory=dict)
    note: str = ""
    is_alarming: bool = False


@dataclass(frozen=True, slots=True)
class Shown:
    """What the template draws."""

    figure: Figure
    url: str


Reader = Callable[[datetime], Iterable[Figure]]
_readers: list[tuple[int, Panel, type[Model], Reader]] = []


def figures(panel: Panel, model: type[Model], *, order: int = 0) -> Callable[[Reader], Reader]:
    """Decorates what reads figures at an instant, in few and cheap queries. Only who may view the model sees them."""

    def add(reader: Reader) -> Reader:
        _readers.append((order, panel, model, reader))
        return reader

    return add


def count_of_trouble(number: int, label: str, filters: Mapping[str, object]) -> Figure:
    return Figure(f"{number:,}", label, filters, is_alarming=number > 0)


def recent_since(now: datetime) -> datetime:
    """Where the last 30 days begin: at midnight UTC, so that a list opened later shows the same rows."""
    return (now - RECENT).replace(hour=0, minute=0, second=0, microsecond=0)


def panels_for(*, site: AdminSite, request: HttpRequest, now: datetime) -> dict[Panel, list[Shown]]:
    """What this person may see; a panel without figures is left out."""
    panels: dict[Panel, list[Shown]] = {panel: [] for _, panel, *_ in sorted(_readers, key=lambda reader: reader[1])}
    for _, panel, model, read in sorted(_readers, key=lambda reader: reader[0]):
        if site.get_model_admin(model).has_view_permission(request):
            address = reverse(f"{site.name}:{model._meta.app_label}_{model._meta.model_name}_changelist")
            panels[panel] += [Shown(figure, f"{address}?{urlencode(figure.filters)}") for figure in read(now)]
    return {panel: shown for panel, shown in panels.items() if shown}
