"""Nested form parameters: ``a[b][0][c]=1`` becomes ``{"a": {"b": [{"c": "1"}]}}``."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qsl

_KEY = re.compile(r"^([^\[\]]+)((?:\[[^\[\]]*\])*)$")
_PART = re.compile(r"\[([^\[\]]*)\]")


def decode(text: str) -> dict[str, Any]:
    """Decode a query string or form body; list-like levels come back as lists, leaves as strings."""
    tree: dict[str, Any] = {}
    for key, value in parse_qsl(text, keep_blank_values=True):
        match = _KEY.match(key)
        path = [key] if match is None else [match[1], *_PART.findall(match[2])]
        _put(tree, path, value)
    return {key: _settle(value) for key, value in tree.items()}


def _put(node: dict[str, Any], path: list[str], value: str) -> None:
    for part in path[:-1]:
        child = node.get(part)
        if not isinstance(child, dict):
            child = node[part] = {}
        node = child
    last = path[-1]
    node[str(len(node)) if last == "" else last] = value


def _settle(value: Any) -> Any:
    """Turn ``{"0": …, "1": …}`` into a list, at every depth."""
    if not isinstance(value, dict):
        return value
    settled = {key: _settle(child) for key, child in value.items()}
    if settled and all(key.isdigit() for key in settled):
        return [settled[key] for key in sorted(settled, key=int)]
    return settled
