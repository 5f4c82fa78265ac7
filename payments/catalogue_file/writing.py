"""Write the catalogue as TOML, in the form in which it is read."""

from collections.abc import Iterator, Mapping
from typing import Any

from payments.catalogue_file.fields import Entry, Field, Table, Tables
from payments.catalogue_file.sections import sections

ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t", "\b": "\\b", "\f": "\\f"}
LONGEST_LINE = 120


def dump() -> str:
    """The present catalogue; loading it changes nothing."""
    blocks = [block for section in sections() for entry in section.read() for block in _entry(section, entry)]
    return "\n".join(blocks)


def _entry(section: Any, entry: Entry) -> Iterator[str]:
    yield f"[[{section.name}]]\n{_lines(entry, section.fields)}{_headed(section.name, entry, section.fields)}"


def _lines(entry: Mapping[str, Any], fields: Mapping[str, Field]) -> str:
    """What stands in lines of its own: everything that is not under a heading."""
    return "".join(
        f"{name} = {_value(fields[name].write(value))}\n"
        for name, value in _given(entry, fields)
        if not _has_heading(fields[name])
    )


def _headed(path: str, entry: Mapping[str, Any], fields: Mapping[str, Field]) -> str:
    text = ""
    for name, value in _given(entry, fields):
        field = fields[name]
        if not isinstance(field, Table) or not _has_heading(field):
            continue
        heading = f"[[{path}.{name}]]" if isinstance(field, Tables) else f"[{path}.{name}]"
        for table in value if isinstance(field, Tables) else [value]:
            text += f"{heading}\n{_lines(table, field.fields)}{_headed(f'{path}.{name}', table, field.fields)}"
    return text


def _has_heading(field: Field) -> bool:
    return isinstance(field, Table) and not field.inline


def _given(entry: Mapping[str, Any], fields: Mapping[str, Field]) -> Iterator[tuple[str, Any]]:
    """In the order in which the section declares its fields; what is None is left out."""
    return ((name, entry[name]) for name in fields if entry.get(name) is not None)


def _value(value: Any, room: int = LONGEST_LINE) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, list):
        items = [_value(each) for each in value]
        line = f"[{', '.join(items)}]"
        return line if len(line) <= room - 20 else "[\n" + "".join(f"    {item},\n" for item in items) + "]"
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{name} = {_value(each)}" for name, each in value.items()) + " }" if value else "{}"
    raise TypeError(f"{type(value).__name__} cannot stand in a catalogue file")


def _text(value: str) -> str:
    return '"' + "".join(_character(character) for character in value) + '"'


def _character(character: str) -> str:
    if character in ESCAPES:
        return ESCAPES[character]
    return f"\\u{ord(character):04x}" if ord(character) < 0x20 or ord(character) == 0x7F else character
