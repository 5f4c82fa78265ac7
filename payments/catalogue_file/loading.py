"""Read a catalogue file: everything that is wrong with it at once, or all of it in one transaction."""

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import cache
from typing import Any

from django.core.exceptions import ValidationError as RowRefused
from django.db import transaction
from pydantic import ValidationError, create_model

from core.errors import PortalError
from payments.catalogue_file.entries import Declared, Entry, sections
from payments.catalogue_file.refusals import CatalogueRefused, refused_by_schema, refused_in_saving


@dataclass(frozen=True)
class Outcome:
    """What becomes of an entry, and of which of its keys."""

    place: str
    entry: Entry
    verb: str
    changed: tuple[str, ...]

    def __str__(self) -> str:
        said = f"{self.entry.section} {self.entry.code} {self.verb}"
        return said if self.verb in ("created", "unchanged") else f"{said}: {', '.join(self.changed)}"


def load(*, text: str, now: datetime, dry_run: bool = False) -> list[Outcome]:
    """Create or update by code; what is not in the file is left alone. With `dry_run` nothing is changed.

    Raises `CatalogueRefused` with every problem, and then nothing was changed.
    """
    with transaction.atomic():
        outcomes = _read(text)
        _save(outcomes, now)
        if dry_run:
            transaction.set_rollback(True)
    return outcomes


def _save(outcomes: list[Outcome], now: datetime) -> None:
    problems: list[str] = []
    for outcome in outcomes:
        if outcome.changed:
            try:
                with transaction.atomic():
                    outcome.entry.save(changed=frozenset(outcome.changed), now=now)
            except (PortalError, RowRefused) as error:
                problems += refused_in_saving(error, outcome.place)
    if not problems:
        for name, section in sections().items():
            try:
                section.finish(now=now)
            except PortalError as error:
                problems += refused_in_saving(error, name)
    if problems:
        raise CatalogueRefused(problems)


def _read(text: str) -> list[Outcome]:
    """What is to become of each entry, in the order of saving. Raises `CatalogueRefused`."""
    try:
        document = tomllib.loads(text, parse_float=Decimal)
    except tomllib.TOMLDecodeError as error:
        raise CatalogueRefused([f"This is not TOML: {error}"]) from error
    problems: list[str] = []
    known: dict[str, dict[str, Entry | None]] = {}
    for name, section in sections().items():
        first: dict[str, int] = {}
        for index, code in _codes(document.get(name)):
            if first.setdefault(code, index) != index:
                problems.append(f"{name}[{index}].code: {code!r} was already given in {name}[{first[code]}]")
        known[name] = dict.fromkeys(first) | {entry.code: entry for entry in section.present()}
    schema = _schema(tuple(sections().values()))
    try:
        catalogue = schema.model_validate(document, context=known)
    except ValidationError as error:
        problems += refused_by_schema(error, schema)
    if problems:
        raise CatalogueRefused(problems)
    return [
        _outcome(f"{name}[{index}]", entry, known[name][entry.code])
        for name in sections()
        for index, entry in enumerate(getattr(catalogue, name))
    ]


def _codes(array: object) -> Iterator[tuple[int, str]]:
    """Of what should be a list of tables, but has not been looked at yet."""
    for index, table in enumerate(array if isinstance(array, list) else ()):
        if isinstance(table, dict) and isinstance(table.get("code"), str):
            yield index, table["code"]


@cache
def _schema(entries: tuple[type[Entry], ...]) -> type[Declared]:
    """Of the whole file."""
    fields: dict[str, Any] = {entry.section: (list[entry], []) for entry in entries}  # type: ignore[valid-type]
    return create_model("Catalogue", __base__=Declared, **fields)


def _outcome(place: str, wanted: Entry, present: Entry | None) -> Outcome:
    if present is None:
        return Outcome(place, wanted, "created", tuple(wanted.model_fields_set))
    before, after = dict(present), dict(wanted)
    changed = tuple(name for name in type(wanted).model_fields if after[name] != before[name])
    if "retired" in changed:
        return Outcome(place, wanted, "retired" if after["retired"] else "brought back", changed)
    return Outcome(place, wanted, "updated" if changed else "unchanged", changed)
