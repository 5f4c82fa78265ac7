"""``expand[]``: ids become objects, and attributes that Stripe leaves out unless asked are put in."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from .errors import InvalidRequest
from .objects import StripeObject
from .world import World, public

# (object type, attribute) -> what to show when it is asked for.
INCLUDABLE: dict[tuple[str, str], Callable[[World, StripeObject], Any]] = {}

# Attributes that can be expanded but are there only when they have something to say.
_SOMETIMES = {
    ("refund", "failure_balance_transaction"),
    ("charge", "shipping"),
    ("checkout.session", "presentment_details"),
}

_MAX_DEPTH = 4


def includable(
    object_type: str, attribute: str
) -> Callable[[Callable[[World, StripeObject], Any]], Callable[[World, StripeObject], Any]]:
    """Register an attribute that appears only when expanded; ``a.b`` for one inside a plain object."""

    def register(function: Callable[[World, StripeObject], Any]) -> Callable[[World, StripeObject], Any]:
        INCLUDABLE[object_type, attribute] = function
        return function

    return register


def sublist(url: str, objects: Iterable[StripeObject]) -> StripeObject:
    """A list object inside another object: the first ten."""
    data = [public(obj) for obj in objects]
    return {"object": "list", "data": data[:10], "has_more": len(data) > 10, "url": url}


def expand(world: World, shown: StripeObject, paths: Iterable[str]) -> StripeObject:
    """Expand every path in place and return the object."""
    for path in paths:
        parts = path.split(".")
        if len(parts) > _MAX_DEPTH:  # ``data`` counts too, as at Stripe
            raise InvalidRequest(
                f"You cannot expand more than {_MAX_DEPTH} levels of a property. Property: {path}", param="expand"
            )
        _expand(world, shown, parts, path)
    return shown


def _expand(world: World, node: Any, parts: list[str], path: str) -> None:
    if isinstance(node, list):
        for item in node:
            _expand(world, item, parts, path)
        return
    if not isinstance(node, dict) or not parts:
        return
    name, rest = parts[0], parts[1:]
    object_type = node.get("object", "")
    nested = INCLUDABLE.get((object_type, ".".join(parts[:2])))
    if nested is not None and len(parts) > 1 and isinstance(node.get(name), dict):
        stored = world.get(node.get("id"))
        node[name][parts[1]] = public(nested(world, stored if stored is not None else node))
        _expand(world, node[name], rest, path)
        return
    include = INCLUDABLE.get((object_type, name))
    if include is not None and not isinstance(node.get(name), dict):
        stored = world.get(node.get("id"))
        node[name] = public(include(world, stored if stored is not None else node))
    elif name not in node:
        if node.get("deleted") or (object_type, name) in _SOMETIMES:
            return
        hint = f" You may want to try expanding 'data.{path}' instead." if object_type == "list" else ""
        raise InvalidRequest(f"This property cannot be expanded ({path}).{hint}", param="expand")
    node[name] = _resolved(world, node[name], path)
    _expand(world, node[name], rest, path)


def _resolved(world: World, value: Any, path: str) -> Any:
    if isinstance(value, str):
        found = world.get(value)
        if found is None:
            raise InvalidRequest(f"This property cannot be expanded ({path}).", param="expand")
        return public(found)
    if isinstance(value, list):
        return [_resolved(world, item, path) if isinstance(item, str) else item for item in value]
    return value
