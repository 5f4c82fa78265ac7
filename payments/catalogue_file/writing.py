"""Write the catalogue as TOML, in the form in which it is read."""

from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any

import tomlkit
from pydantic import BaseModel
from tomlkit.items import AoT, Item
from tomlkit.items import Table as TableUnderHeading

from core.quantities import as_text
from payments.catalogue_file.entries import Declared, sections, table_of

LONGEST_LIST = 100


def dump() -> str:
    """The present catalogue; loading it changes nothing."""
    document = tomlkit.document()
    for name, section in sections().items():
        if entries := list(section.present()):
            document.add(name, _array(entries))
    return tomlkit.dumps(document)


def _array(tables: Iterable[BaseModel]) -> AoT:
    array = tomlkit.aot()
    for each in tables:
        array.append(_under_heading(each))
    return array


def _under_heading(table: BaseModel) -> TableUnderHeading:
    """What has a heading of its own comes last: lines below it would belong to it."""
    written, headed = tomlkit.table(), {}
    for name, value in _said(table):
        if _has_heading(table_of(type(table).model_fields[name].annotation)):
            headed[name] = value
        else:
            written.add(name, _in_line(value))
    for name, value in headed.items():
        written.add(name, _array(value) if isinstance(value, list) else _under_heading(value))
    return written


def _has_heading(table: type[Declared] | None) -> bool:
    """Tables that hold other tables: in braces, they would not fit on a line."""
    return table is not None and any(table_of(field.annotation) for field in table.model_fields.values())


def _said(table: BaseModel) -> Iterator[tuple[str, Any]]:
    for name, field in type(table).model_fields.items():
        value = getattr(table, name)
        if value or value != field.default:
            yield name, value


def _in_line(value: Any) -> Item:
    if isinstance(value, Decimal):
        return tomlkit.string(as_text(value))
    if isinstance(value, list):
        array = tomlkit.array()
        for each in value:
            array.append(_in_line(each))
        return array.multiline(len(array.as_string()) > LONGEST_LIST)
    if isinstance(value, (BaseModel, dict)):
        table = tomlkit.inline_table()
        table.add(tomlkit.ws(" "))
        for name, each in _said(value) if isinstance(value, BaseModel) else value.items():
            table.add(name, _in_line(each))
        table.add(tomlkit.ws(" "))
        return table
    return tomlkit.item(value)
