"""How the API describes itself in OpenAPI: the error envelope, `Idempotency-Key`, pages of results."""

from typing import Any

from drf_spectacular.extensions import OpenApiSerializerFieldExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import Direction, OpenApiParameter, inline_serializer
from rest_framework import serializers

from core.api.idempotency import HEADER
from core.api.pagination import NewestFirstPagination
from core.api.serializers import PublicIdField, QuantityField, StrictSerializer
from core.quantities import LARGEST, PLACES, WHOLE_DIGITS

_FRACTION = rf"(\.[0-9]{{1,{PLACES}}})?"
DECIMAL_PATTERN = rf"^-?[0-9]{{1,{WHOLE_DIGITS}}}{_FRACTION}$"
NOT_NEGATIVE_PATTERN = rf"^[0-9]{{1,{WHOLE_DIGITS}}}{_FRACTION}$"
POSITIVE_PATTERN = rf"^([1-9][0-9]{{0,{WHOLE_DIGITS - 1}}}{_FRACTION}|0\.[0-9]{{0,{PLACES - 1}}}[1-9])$"
NOT_BLANK_PATTERN = r"^[^\x00]*[^\s\x00\x1c-\x1f\x85][^\x00]*$"


class ErrorBodySerializer(serializers.Serializer[Any]):
    code = serializers.CharField(help_text="For programs; part of this contract.")
    message = serializers.CharField(help_text="For people: what is wrong and the way out.")
    details = serializers.DictField(help_text="More about it; validation errors carry `fields`.")


class ErrorSerializer(serializers.Serializer[Any]):
    error = ErrorBodySerializer()


class QuantityFieldSchema(OpenApiSerializerFieldExtension):
    """Written as a string. Read from one or from a JSON number, of which only whole ones survive every library."""

    target_class = QuantityField

    def map_serializer_field(self, auto_schema: AutoSchema, direction: Direction) -> dict[str, Any]:
        if direction == "response":
            return {"type": "string", "pattern": DECIMAL_PATTERN, "examples": ["12.5"]}
        lowest = 1 if self.target.positive else self.target.min_value
        pattern = {1: POSITIVE_PATTERN, 0: NOT_NEGATIVE_PATTERN}.get(lowest, DECIMAL_PATTERN)
        bounds = {"maximum": int(LARGEST)} | ({} if lowest is None else {"minimum": lowest})
        return {"type": ["string", "integer"], "pattern": pattern, "examples": ["12.5"], **bounds}


class PortalAutoSchema(AutoSchema):
    """Adds to every operation what all of them share."""

    def get_operation(self, *args: Any, **kwargs: Any) -> Any:
        operation = super().get_operation(*args, **kwargs)
        if operation is None:
            return None
        handler = getattr(self.view, self.method.lower())
        idempotent = getattr(handler, "honours_idempotency_key", False)
        if getattr(handler, "calls_out", False):
            operation["responses"].setdefault("503", SERVICE_UNAVAILABLE | {"content": self._error_content()})
        if idempotent:
            operation.setdefault("parameters", []).append(IDEMPOTENCY_PARAMETER)
        for status, description in self._errors(idempotent).items():
            answer = {"description": description, "content": self._error_content()}
            operation["responses"].setdefault(status, answer)
        return operation

    def _get_request_for_media_type(self, serializer: Any, direction: Direction = "request") -> Any:
        """A body whose required fields stand in alternatives is required too, which the base class cannot see."""
        schema, required = super()._get_request_for_media_type(serializer, direction)
        return schema, required or getattr(serializer, "body_is_required", False)

    def _error_content(self) -> dict[str, Any]:
        return {"application/json": {"schema": self.resolve_serializer(ErrorSerializer, "response").ref}}

    def _map_serializer_field(self, field: Any, direction: Direction, bypass_extensions: bool = False) -> Any:
        described = super()._map_serializer_field(field, direction, bypass_extensions)
        plain = type(field) is serializers.CharField or isinstance(field, PublicIdField)
        if plain and not field.allow_blank and isinstance(field.parent, StrictSerializer):
            described |= {"minLength": 1, "pattern": NOT_BLANK_PATTERN}  # blanks at its ends are not counted
        return described

    def _map_basic_serializer(self, serializer: Any, direction: Any) -> Any:
        described = super()._map_basic_serializer(serializer, direction)
        if isinstance(serializer, StrictSerializer):
            described["additionalProperties"] = False
            if serializer.alternatives:
                described["oneOf"] = [
                    {"required": [name], "not": {"anyOf": [{"required": [other]} for other in (*others, *excluded)]}}
                    for name, excluded in serializer.alternatives.items()
                    if (others := [other for other in serializer.alternatives if other != name])
                ]
        if type(serializer).__doc__ is None:
            described.pop("description", None)  # it is the docstring of a base class
        return described

    def _errors(self, idempotent: bool) -> dict[str, str]:
        errors = {"400": "The request is malformed; `details.fields` says where."}
        if self.view.get_authenticators():
            errors |= {
                "401": "No key, or one that is unknown or revoked.",
                "403": "The key's scope or kind does not allow this.",
                "404": "There is nothing of this name, or the key does not reach it.",
                "429": "Too many requests with this key; wait as `Retry-After` says.",
            }
        if idempotent:
            errors["409"] = "The `Idempotency-Key`, id or reference was used before with other content."
        if self.method in ("POST", "PUT", "PATCH"):
            errors |= {"413": "The body is too large.", "415": "The body is not `application/json`."}
            if self.view.get_authenticators():
                errors["422"] = "A rule refuses it; `code` says which."
        return errors


SERVICE_UNAVAILABLE = {"description": "Stripe does not answer. Nothing was charged; try again with the same key."}

IDEMPOTENCY_PARAMETER = {
    "in": "header",
    "name": HEADER,
    "required": False,
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
    "description": "Up to 255 printable characters without blanks. The same key with the same body gets the same "
    "answer again for seven days; with another body, 409 `idempotency_mismatch`.",
}

PAGE_PARAMETERS = [
    OpenApiParameter("cursor", OpenApiTypes.STR, description="From `next` or `previous`."),
    OpenApiParameter(
        "limit",
        {"type": "integer", "minimum": 1, "maximum": NewestFirstPagination.max_page_size},
        description=f"Results per page, {NewestFirstPagination.page_size} by default.",
    ),
]


def page_of(item: type[serializers.BaseSerializer[Any]]) -> serializers.Serializer[Any]:
    """The serializer of one page of `item`s, for `@extend_schema(responses=…)`."""
    name = item.__name__.removesuffix("Serializer")
    return inline_serializer(
        f"{name}Page",
        {
            "results": item(many=True),
            "next": serializers.URLField(allow_null=True),
            "previous": serializers.URLField(allow_null=True),
        },
    )
