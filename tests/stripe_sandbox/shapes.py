"""Checks a JSON object against the attribute types of the installed ``stripe`` package, whatever the object."""

import ast
import importlib
import inspect
import sys
import typing
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from functools import cache
from types import ModuleType, NoneType
from typing import Any, ClassVar, ForwardRef, Literal, Union, get_args, get_origin

from stripe._list_object import ListObject
from stripe._object_classes import get_object_class
from stripe._stripe_object import StripeObject, UntypedStripeObject


def problems(value: dict[str, Any]) -> list[str]:
    """What is wrong with an object, each named by its path; empty when nothing is."""
    cls = get_object_class("V1", value["object"])
    if cls is StripeObject:
        return [f"{value['object']}: unknown to the stripe package"]
    if value.get("deleted"):
        return []
    return list(_against(cls, value, value["object"]))


@cache
def _type_checking_imports(module: ModuleType) -> dict[str, tuple[str, str]]:
    """Name -> (module, name there) of what is imported for type checkers only."""
    names: dict[str, tuple[str, str]] = {}
    for node in ast.walk(ast.parse(inspect.getsource(module))):
        if isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                names[alias.asname or alias.name] = (node.module, alias.name)
    return names


def _named(name: str, cls: type) -> Any:
    module = sys.modules[cls.__module__]
    scope = {**vars(typing), **vars(module), **vars(cls)}
    try:
        return eval(name, scope)
    except NameError:
        where, what = _type_checking_imports(module)[name]
        return getattr(importlib.import_module(where), what)


def _resolve(hint: Any, cls: type) -> Any:
    if isinstance(hint, ForwardRef):
        hint = hint.__forward_arg__
    return _named(hint, cls) if isinstance(hint, str) else hint


@cache
def _attributes(cls: type) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for base in reversed(cls.__mro__):
        if issubclass(base, StripeObject) and base.__module__ not in ("stripe._stripe_object",):
            for name, hint in vars(base).get("__annotations__", {}).items():
                if not name.startswith("_") and get_origin(hint) is not ClassVar and name != "OBJECT_NAME":
                    found[name] = hint
    return found


def _options(hint: Any, cls: type) -> list[Any]:
    """The members of a union, flattened; a lone type is a union of one."""
    hint = _resolve(hint, cls)
    if get_origin(hint) is Union:
        return [option for arg in get_args(hint) for option in _options(arg, cls)]
    return [hint]


def _against(cls: type, value: dict[str, Any], path: str) -> Iterator[str]:
    attributes = _attributes(cls)
    for name, hint in attributes.items():
        options = _options(hint, cls)
        if name not in value:
            if NoneType not in options:
                yield f"{path}.{name}: missing"
            continue
        yield from _match(options, value[name], cls, f"{path}.{name}")
    for name in value.keys() - attributes.keys():
        yield f"{path}.{name}: not documented"


def _match(options: list[Any], value: Any, cls: type, path: str) -> Iterator[str]:
    if value is None:
        if NoneType not in options:
            yield f"{path}: null"
        return
    literals = [arg for option in options if get_origin(option) is Literal for arg in get_args(option)]
    if literals and isinstance(value, str):
        # ``Literal[…] | str`` leaves room for values to come; ours must be among those known today.
        if value not in literals and not _is_expandable(options):
            yield f"{path}: {value!r} is not one of {literals}"
        return
    reports: list[list[str]] = []
    for option in options:
        report = list(_one(option, value, cls, path))
        if not report:
            return
        reports.append(report)
    yield from min((r for r in reports), key=len)


def _is_expandable(options: list[Any]) -> bool:
    return any(isinstance(option, type) and issubclass(option, StripeObject) for option in options)


def _one(option: Any, value: Any, cls: type, path: str) -> Iterator[str]:
    origin = get_origin(option)
    if option is Any:
        return
    if option is Decimal:
        try:
            Decimal(value if isinstance(value, str) else "no")
        except InvalidOperation:
            yield f"{path}: {value!r} is not a decimal string"
    elif option is float:
        if isinstance(value, bool) or not isinstance(value, int | float):
            yield f"{path}: {value!r} is not a number"
    elif option in (str, int, bool):
        if type(value) is not option:
            yield f"{path}: {value!r} is not {option.__name__}"
    elif origin is list:
        if not isinstance(value, list):
            yield f"{path}: not a list"
            return
        for index, item in enumerate(value):
            yield from _match(_options(get_args(option)[0], cls), item, cls, f"{path}[{index}]")
    elif origin is ListObject:
        if not isinstance(value, dict) or not {"object", "data", "has_more", "url"} <= value.keys():
            yield f"{path}: not a list object"
            return
        for index, item in enumerate(value["data"]):
            yield from _match(_options(get_args(option)[0], cls), item, cls, f"{path}.data[{index}]")
    elif origin is UntypedStripeObject or option is UntypedStripeObject or origin is dict:
        if not isinstance(value, dict):
            yield f"{path}: not an object"
    elif origin is Literal:
        if value not in get_args(option):
            yield f"{path}: {value!r} is not {get_args(option)}"
    elif isinstance(option, type) and issubclass(option, StripeObject):
        if not isinstance(value, dict):
            yield f"{path}: not an object"
        elif not value.get("deleted"):
            yield from _against(option, value, path)
    elif option is not NoneType:
        yield f"{path}: cannot check {option!r}"
    else:
        yield f"{path}: not null"
