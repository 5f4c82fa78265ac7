"""Request parameters, checked against the types of the installed ``stripe`` package.

Each route names the package's own ``TypedDict`` (for example ``checkout.SessionCreateParams``). What it does not list
is refused as ``parameter_unknown``, what it requires is ``parameter_missing``, and numbers, booleans and enumerations
are read as Stripe reads them, at every depth. So nothing here has to be kept in step by hand.
"""

from __future__ import annotations

import importlib
import inspect
import sys
import types
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from functools import cache
from typing import Any, ForwardRef, Literal, NotRequired, Required, Union, get_args, get_origin

from typing_extensions import is_typeddict

from .errors import InvalidRequest, missing
from .objects import Params


@cache
def params_type(name: str) -> Any:
    """``checkout.SessionCreateParams`` -> the class, imported only when first needed."""
    package, _, cls = name.rpartition(".")
    return getattr(importlib.import_module("stripe.params" + (f".{package}" if package else "")), cls)


@cache
def _fields(cls: Any) -> dict[str, tuple[Any, bool]]:
    """Name -> (type, required) of a parameters class, without the library's own request options."""
    module = vars(sys.modules[cls.__module__])
    fields: dict[str, tuple[Any, bool]] = {}
    for name, hint in inspect.get_annotations(cls).items():
        if name in _option_names():
            continue  # RequestOptions is the base of the top-level classes; its keys never travel in the form
        hint, required = _resolve(hint, module), True
        while get_origin(hint) in (NotRequired, Required):
            required = get_origin(hint) is Required
            hint = _resolve(get_args(hint)[0], module)
        fields[name] = (hint, required)
    return fields


@cache
def _option_names() -> frozenset[str]:
    return frozenset(importlib.import_module("stripe._request_options").RequestOptions.__annotations__)


def _resolve(hint: Any, module: dict[str, Any]) -> Any:
    if isinstance(hint, ForwardRef):
        hint = hint.__forward_arg__
    if isinstance(hint, str):
        # The annotations of the installed package, never input.
        hint = eval(  # noqa: S307
            hint, {**module, "Literal": Literal, "NotRequired": NotRequired, "Union": Union, "Decimal": Decimal}
        )
    return hint


def refuse(params: Params, *names: str) -> None:
    """Refuse parameters that Stripe knows, that would change the outcome, and that the sandbox cannot follow."""
    for name in names:
        if params.get(name):
            raise InvalidRequest(f"The sandbox cannot do what `{name}` asks for.", param=name)


def read(cls_name: str | None, raw: Mapping[str, Any]) -> Params:
    """Check and convert the parameters of one request."""
    if cls_name is None:
        cls_name = "CustomerRetrieveParams"  # any class that knows only ``expand``
    cls = params_type(cls_name)
    return _read_dict(cls, raw, "")


def _read_dict(cls: Any, raw: Any, path: str) -> Params:
    if not isinstance(raw, Mapping):
        raise InvalidRequest(f"Invalid object: {path}", param=path)
    module = vars(sys.modules[cls.__module__])
    fields = _fields(cls)
    values: Params = {}
    for name, value in raw.items():
        where = f"{path}[{name}]" if path else name
        if name not in fields:
            raise InvalidRequest(f"Received unknown parameter: {where}", code="parameter_unknown", param=where)
        values[name] = _read(fields[name][0], value, where, module)
    for name, (_, required) in fields.items():
        if required and name not in values:
            raise missing(f"{path}[{name}]" if path else name)
    return values


def _read(hint: Any, value: Any, path: str, module: dict[str, Any]) -> Any:
    hint = _resolve(hint, module)
    origin = get_origin(hint)
    if origin in (Union, types.UnionType):
        return _read_union([_resolve(arg, module) for arg in get_args(hint)], value, path, module)
    if origin is Literal:
        if value not in get_args(hint):
            raise _not_one_of(path, value, get_args(hint))
        return value
    if origin in (list, types.GenericAlias) or (origin is not None and origin.__name__ == "list"):
        if not isinstance(value, list):
            raise InvalidRequest("Invalid array", param=path)
        return [_read(get_args(hint)[0], item, f"{path}[{index}]", module) for index, item in enumerate(value)]
    if origin is dict or (isinstance(origin, type) and not is_typeddict(hint)):
        return _read_map(get_args(hint)[-1], value, path, module)
    if is_typeddict(hint):
        return _read_dict(hint, value, path)
    return _read_scalar(hint, value, path)


def _read_map(hint: Any, value: Any, path: str, module: dict[str, Any]) -> Params:
    if isinstance(value, list):  # keys that are all digits look like a list in a form
        value = {str(index): item for index, item in enumerate(value)}
    if not isinstance(value, Mapping):
        raise InvalidRequest("Invalid hash", param=path)
    # An empty value unsets the key, so it is allowed here.
    return {str(key): "" if item == "" else _read(hint, item, f"{path}[{key}]", module) for key, item in value.items()}


def _read_union(options: list[Any], value: Any, path: str, module: dict[str, Any]) -> Any:
    options = [option for option in options if option is not type(None)]
    literals = [arg for option in options if get_origin(option) is Literal for arg in get_args(option)]
    if value in literals if isinstance(value, str) else False:
        return value
    rest = [option for option in options if get_origin(option) is not Literal]
    if literals != [""] and literals and rest == [str]:
        # ``Literal['a', 'b'] | str`` is how the package spells an enumeration that may grow.
        raise _not_one_of(path, value, tuple(literals))
    error: InvalidRequest | None = None
    for option in rest:
        try:
            return _read(option, value, path, module)
        except InvalidRequest as exc:
            error = error or exc
    if error is None:
        raise _not_one_of(path, value, tuple(literals))
    raise error


def _not_one_of(path: str, value: Any, allowed: tuple[Any, ...]) -> InvalidRequest:
    names = [str(name) for name in allowed if name != ""]
    listed = names[0] if len(names) == 1 else ", ".join(names[:-1]) + ", or " + names[-1]
    return InvalidRequest(f"Invalid {path}: must be one of {listed}", param=path)


def _read_scalar(hint: Any, value: Any, path: str) -> Any:
    if not isinstance(value, str):
        raise InvalidRequest(f"Invalid string: {value}", param=path)
    if hint is int:
        try:
            return int(value)
        except ValueError:
            raise InvalidRequest(f"Invalid integer: {value}", code="parameter_invalid_integer", param=path) from None
    if hint is bool:
        if value not in ("true", "false"):
            raise InvalidRequest(f"Invalid boolean: {value}", param=path)
        return value == "true"
    if hint is float or hint is Decimal:
        try:
            number = Decimal(value)
        except InvalidOperation:
            raise InvalidRequest(f"Invalid decimal: {value}", code="parameter_invalid_integer", param=path) from None
        return float(number) if hint is float else format(number.normalize(), "f")
    if value == "":
        raise InvalidRequest(
            f"You passed an empty string for '{path}'. We assume empty values are an attempt to unset a parameter; "
            f"however '{path}' cannot be unset.",
            code="parameter_invalid_empty",
            param=path,
        )
    return value
