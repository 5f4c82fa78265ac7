"""The reference page tells people what the schema tells programs."""

import json

import pytest

from billing_portal.templatetags.reference import with_code
from billing_portal.views.api_reference import read_schema


@pytest.fixture
def schema(client, db) -> dict:
    response = client.get("/api/v1/schema/", headers={"accept": "application/vnd.oai.openapi+json"})
    assert response.status_code == 200
    return json.loads(response.content)


def test_the_schema_is_open_api_3_1(schema):
    assert schema["openapi"].startswith("3.1")
    assert "/api/v1/organizations" in schema["paths"]


def test_every_operation_of_the_schema_is_on_the_page(client, schema):
    page = client.get("/api/docs/").content.decode()

    for path, methods in schema["paths"].items():
        for method, operation in methods.items():
            if method in ("get", "post", "put", "patch", "delete"):
                assert f"<code>{method.upper()} {path}</code>" in page
                assert f'id="{operation["operationId"].replace("_", "-")}"' in page


SCHEMA = {
    "paths": {
        "/things": {
            "post": {
                "operationId": "things_create",
                "tags": ["things"],
                "summary": "Make a thing",
                "parameters": [
                    {"name": "dry", "in": "query", "schema": {"type": "boolean"}, "description": "Only try."}
                ],
                "requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Thing"}}}},
                "responses": {"201": {"description": "made"}, "400": {"description": "not so"}},
            }
        }
    },
    "components": {
        "schemas": {
            "Thing": {
                "type": "object",
                "required": ["name"],
                "properties": {
                    "name": {"type": "string", "description": "What it is called."},
                    "size": {"type": ["integer", "null"], "format": "int64"},
                    "kind": {"oneOf": [{"$ref": "#/components/schemas/Kind"}, {"type": "null"}]},
                    "extra": {"type": ["object", "array", "string", "number", "boolean", "null"]},
                    "parts": {"type": "array", "items": {"$ref": "#/components/schemas/Part"}},
                },
            },
            "Kind": {"enum": ["big", "small"], "type": "string"},
            "Part": {"type": "object", "properties": {"weight": {"type": "string"}}},
        }
    },
}


def test_bodies_are_listed_with_what_they_hold_and_types_in_words():
    ((operation,),) = (group.operations for group in read_schema(SCHEMA))

    assert (operation.method, operation.path, operation.summary) == ("POST", "/things", "Make a thing")
    assert [(value.name, value.type, value.required, value.depth) for value in operation.body] == [
        ("name", "string", True, 0),
        ("size", "integer or null (int64)", False, 0),
        ("kind", "one of big, small or null", False, 0),
        ("extra", "any JSON", False, 0),
        ("parts", "list of object", False, 0),
        ("weight", "string", False, 1),
    ]
    assert operation.body[0].description == "What it is called."
    assert [(value.name, value.type) for value in operation.parameters] == [("dry", "boolean")]
    assert [answer.status for answer in operation.successes] == ["201"]
    assert [answer.description for answer in operation.refusals] == ["not so"]


def test_backticks_become_code_and_everything_is_escaped():
    assert with_code("Send `a<b>` & <i>wait</i>") == "Send <code>a&lt;b&gt;</code> &amp; &lt;i&gt;wait&lt;/i&gt;"


@pytest.mark.browser
@pytest.mark.parametrize("width", [375, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_is_accessible(page_at, assert_accessible, width, scheme):
    page = page_at(width, scheme)
    page.goto("/api/docs/")

    assert_accessible(page)
