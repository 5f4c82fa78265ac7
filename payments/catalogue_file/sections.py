"""Who brings which table of the catalogue file."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Protocol

from django.db import models

from core.locks import for_update
from payments.catalogue_file.fields import Check, Entry, Field

Verb = Literal["created", "updated", "retired", "brought back", "unchanged"]


@dataclass(frozen=True)
class Change:
    """What saving an entry did; `details` are the names of what changed."""

    verb: Verb
    details: tuple[str, ...] = ()


class Save(Protocol):
    """Create or update by code, in the transaction that is open. Raises `PortalError` for what only the database can
    tell; the file is then refused as a whole.
    """

    def __call__(self, *, entry: Entry, now: datetime) -> Change: ...


class Finish(Protocol):
    """Raises `PortalError`; the file is then refused as a whole."""

    def __call__(self, *, now: datetime) -> None: ...


@dataclass(frozen=True, kw_only=True)
class Section:
    """One array of tables, `[[name]]`, whose entries are told apart by `code`.

    Sections are saved and written by `order`, so that what is referred to comes first. `check` sees one entry with all
    it says. Entries hold only the keys that the file gives. `finish` runs once when all of the file has been saved, for
    what only shows in all entries together.
    """

    name: str
    order: int
    fields: Mapping[str, Field]
    known: Callable[[], Iterable[str]]
    save: Save
    read: Callable[[], Iterable[Entry]]
    check: Check | None = None
    finish: Finish | None = None


@dataclass
class _Registry:
    sections: dict[str, Section] = field(default_factory=dict)


_registry = _Registry()


def register_section(section: Section) -> None:
    _registry.sections[section.name] = section


def sections() -> list[Section]:
    """In the order in which they build on each other."""
    return sorted(_registry.sections.values(), key=lambda section: section.order)


def save_by_code(model: type[models.Model], *, code: str, values: Mapping[str, Any]) -> tuple[Any, Change]:
    """Create or update the row with this code, and say which of its columns changed. `values` are columns.

    For a model with a `retired_at` column: setting it retires, emptying it brings back.
    """
    instance = for_update(model._default_manager.filter(code=code)).first()
    if instance is None:
        instance = model(code=code, **values)
        instance.full_clean()
        instance.save(force_insert=True)
        return instance, Change("created")
    was_retired = getattr(instance, "retired_at", None) is not None
    changed = tuple(name for name, value in values.items() if getattr(instance, name) != value)
    if not changed:
        return instance, Change("unchanged")
    for name in changed:
        setattr(instance, name, values[name])
    instance.full_clean()
    instance.save(update_fields=list(changed))
    is_retired = getattr(instance, "retired_at", None) is not None
    if is_retired != was_retired:
        return instance, Change("retired" if is_retired else "brought back", changed)
    return instance, Change("updated", changed)
