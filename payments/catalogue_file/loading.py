"""Read a catalogue file: everything that is wrong with it at once, or all of it in one transaction."""

import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction

from core.errors import PortalError
from payments.catalogue_file.fields import Entry, Reader, read_entry
from payments.catalogue_file.sections import Change, Section, sections


class CatalogueRefused(PortalError):
    """Nothing was changed. `problems` name everything that is wrong, each with its place: `packs[2].price: …`."""

    code = "catalogue_refused"
    http_status = 400

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems), problems=problems)
        self.problems = problems


@dataclass(frozen=True)
class Outcome:
    """What became of one entry."""

    section: str
    code: str
    change: Change

    def __str__(self) -> str:
        details = f": {', '.join(self.change.details)}" if self.change.details else ""
        return f"{self.section} {self.code} {self.change.verb}{details}"


class _DryRun(Exception):
    """Takes everything back."""


def load(*, text: str, now: datetime, dry_run: bool = False) -> list[Outcome]:
    """Create or update by code; what is not in the file is left alone. With `dry_run` nothing is changed.

    Raises `CatalogueRefused` with every problem, and then nothing was changed.
    """
    outcomes: list[Outcome] = []
    try:
        with transaction.atomic():
            entries = list(_read(text))
            problems: list[str] = []
            for section, place, entry in entries:
                try:
                    with transaction.atomic():
                        outcomes.append(Outcome(section.name, entry["code"], section.save(entry=entry, now=now)))
                except (PortalError, ValidationError) as error:
                    problems += _problems(place, error)
            if problems:
                raise CatalogueRefused(problems)
            _finish(now)
            if dry_run:
                raise _DryRun
    except _DryRun:
        pass
    return outcomes


def _finish(now: datetime) -> None:
    for section in sections():
        if section.finish:
            try:
                section.finish(now=now)
            except PortalError as error:
                raise CatalogueRefused(_problems(section.name, error)) from error


def _read(text: str) -> Iterator[tuple[Section, str, Entry]]:
    """Each entry with its section and place, in the order of saving. Raises `CatalogueRefused`."""
    try:
        document = tomllib.loads(text, parse_float=Decimal)
    except tomllib.TOMLDecodeError as error:
        raise CatalogueRefused([f"This is not TOML: {error}"]) from error
    by_name = {section.name: section for section in sections()}
    codes = {name: set(section.known()) for name, section in by_name.items()}
    existing = {name: frozenset(known) for name, known in codes.items()}
    reader = Reader(codes=codes)
    for name, value in document.items():
        if name not in by_name:
            reader.refuse(name, f"is not known here; known are {', '.join(by_name)}")
        elif not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
            reader.refuse(name, f"must be a list of tables, each under [[{name}]]")
    usable = {name: value for name, value in document.items() if name in by_name and _is_tables(value)}
    for name, tables in usable.items():
        _note_codes(name, tables, reader)
    read = [
        (section, place, _read_one(section, table, place, existing[section.name], reader))
        for section in by_name.values()
        for place, table in _places(section.name, usable.get(section.name, []))
    ]
    if reader.problems:
        raise CatalogueRefused(reader.problems)
    yield from read


def _read_one(section: Section, table: Entry, place: str, existing: frozenset[str], reader: Reader) -> Entry:
    return read_entry(table, section.fields, section.check, place, reader, exists=table.get("code") in existing)


def _note_codes(name: str, tables: list[Entry], reader: Reader) -> None:
    """Let entries of this file refer to each other, and refuse a code that stands twice."""
    first: dict[Any, str] = {}
    for place, table in _places(name, tables):
        code = table.get("code")
        if not isinstance(code, str):
            continue
        if code in first:
            reader.refuse(f"{place}.code", f"{code!r} was already given in {first[code]}")
        first.setdefault(code, place)
        reader.codes[name].add(code)


def _places(name: str, tables: list[Entry]) -> Iterator[tuple[str, Entry]]:
    return ((f"{name}[{index}]", table) for index, table in enumerate(tables))


def _is_tables(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(each, dict) for each in value)


def _problems(place: str, error: PortalError | ValidationError) -> list[str]:
    if isinstance(error, ValidationError):
        if hasattr(error, "error_dict"):
            return [f"{place}.{name}: {' '.join(messages)}" for name, messages in error.message_dict.items()]
        return [f"{place}: {' '.join(error.messages)}"]
    field = getattr(error, "field", None)
    return [f"{place}.{field}: {error.message}" if field else f"{place}: {error.message}"]


def said(outcomes: list[Outcome], say: Callable[[str], None]) -> None:
    """Tell an operator what was done: each change, and how many entries needed none."""
    for outcome in outcomes:
        if outcome.change.verb != "unchanged":
            say(str(outcome))
    unchanged = sum(outcome.change.verb == "unchanged" for outcome in outcomes)
    say(f"{len(outcomes) - unchanged} changed, {unchanged} unchanged.")
