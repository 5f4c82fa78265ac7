"""The API reference for people, drawn from the schema that programs read at `/api/v1/schema/`."""

import functools
from dataclasses import dataclass, field
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from drf_spectacular.generators import SchemaGenerator

ANY_JSON = ["object", "array", "string", "number", "boolean", "null"]
METHODS = ("get", "post", "put", "patch", "delete")


@dataclass(slots=True)
class Value:
    """A parameter, or a property of a body; `depth` says how far inside."""

    name: str
    type: str
    required: bool
    description: str
    depth: int = 0

    @property
    def indent(self) -> range:
        return range(self.depth)


@dataclass(slots=True)
class Answer:
    status: str
    description: str
    body: list[Value]

    @property
    def caption(self) -> str:
        return f"Fields of answer {self.status}"


@dataclass(slots=True)
class Operation:
    id: str
    method: str
    path: str
    summary: str
    description: str
    parameters: list[Value]
    body: list[Value]
    answers: list[Answer]

    @property
    def name(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def successes(self) -> list[Answer]:
        return [answer for answer in self.answers if answer.status < "400"]

    @property
    def refusals(self) -> list[Answer]:
        """All of them carry the error envelope."""
        return [answer for answer in self.answers if answer.status >= "400"]


@dataclass(slots=True)
class Group:
    name: str
    operations: list[Operation] = field(default_factory=list)


def api_reference(request: HttpRequest) -> HttpResponse:
    return render(request, "billing_portal/api_reference.html", {"groups": groups()})


@functools.cache
def groups() -> list[Group]:
    """The operations by tag, in the order of the schema. The schema cannot change while the process runs."""
    return read_schema(SchemaGenerator().get_schema(request=None, public=True))


def read_schema(schema: dict[str, Any]) -> list[Group]:
    by_tag: dict[str, Group] = {}
    for path, methods in schema["paths"].items():
        for method in METHODS:
            if method in methods:
                operation = methods[method]
                tag = operation.get("tags", ["other"])[0]
                group = by_tag.setdefault(tag, Group(name=tag.replace("-", " ").replace("_", " ").capitalize()))
                group.operations.append(_operation(schema, path, method, operation))
    return list(by_tag.values())


def _operation(schema: dict[str, Any], path: str, method: str, operation: dict[str, Any]) -> Operation:
    lead, _, rest = operation.get("description", "").partition("\n\n")
    return Operation(
        id=operation["operationId"].replace("_", "-"),
        method=method.upper(),
        path=path,
        summary=operation.get("summary") or lead,
        description=operation.get("description", "") if operation.get("summary") else rest,
        parameters=[
            Value(
                name=parameter["name"],
                type=_type(schema, parameter["schema"]),
                required=parameter.get("required", False),
                description=parameter.get("description", ""),
            )
            for parameter in operation.get("parameters", [])
        ],
        body=_json_body(schema, operation.get("requestBody", {})),
        answers=[
            Answer(status, answer.get("description", ""), _json_body(schema, answer))
            for status, answer in sorted(operation.get("responses", {}).items())
        ],
    )


def _json_body(schema: dict[str, Any], holder: dict[str, Any]) -> list[Value]:
    content = holder.get("content", {}).get("application/json", {})
    return list(_properties(schema, content.get("schema", {})))


def _properties(schema: dict[str, Any], node: dict[str, Any], depth: int = 0) -> list[Value]:
    """The properties of an object, and beneath each those of what it holds (four levels deep at most)."""
    node = _resolved(schema, node)
    if node.get("type") == "array":
        node = _resolved(schema, node.get("items", {}))
    if depth > 3:
        return []
    values = []
    required = node.get("required", [])
    for name, inner in node.get("properties", {}).items():
        described = inner.get("description") or _resolved(schema, inner).get("description", "")
        values.append(Value(name, _type(schema, inner), name in required, described, depth))
        values += _properties(schema, inner, depth + 1)
    return values


def _resolved(schema: dict[str, Any], node: dict[str, Any]) -> dict[str, Any]:
    """What a reference leads to; of a choice, the first that is not null."""
    if "$ref" in node:
        return _resolved(schema, schema["components"]["schemas"][node["$ref"].rsplit("/", 1)[1]])
    for choice in ("allOf", "oneOf", "anyOf"):
        if choice in node and "properties" not in node:
            options = [option for option in node[choice] if option.get("type") != "null"]
            return _resolved(schema, options[0])
    return node


def _type(schema: dict[str, Any], node: dict[str, Any]) -> str:
    """In words: `string`, `integer or null`, `list of object`, `one of success, failed`."""
    choices = node.get("oneOf") or node.get("anyOf")
    if choices:
        return " or ".join(dict.fromkeys(_type(schema, choice) for choice in choices))
    node = _resolved(schema, node)
    if "enum" in node:
        return "one of " + ", ".join(str(value) for value in node["enum"] if value is not None)
    kinds = node.get("type", ANY_JSON)
    kinds = kinds if isinstance(kinds, list) else [kinds]
    if len(kinds) > 4:
        return "any JSON"
    words = [
        f"list of {_type(schema, node['items'])}" if kind == "array" and "items" in node else kind for kind in kinds
    ]
    text = " or ".join(words)
    return f"{text} ({node['format']})" if "format" in node else text
