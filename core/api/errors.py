"""The error envelope: `{"error": {"code": …, "message": …, "details": {…}}}`, whatever went wrong."""

import logging
from collections.abc import Iterator
from typing import Any

from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.core.signals import got_request_exception
from django.db import DataError
from django.http import Http404, UnreadablePostError
from psycopg.errors import NumericValueOutOfRange
from rest_framework import exceptions
from rest_framework.response import Response

from core.errors import OutOfRange, PortalError

logger = logging.getLogger(__name__)

CODES: dict[type[exceptions.APIException], str] = {
    exceptions.ParseError: "malformed",
    exceptions.NotAuthenticated: "not_authenticated",
    exceptions.AuthenticationFailed: "not_authenticated",
    exceptions.PermissionDenied: "forbidden",
    exceptions.NotFound: "not_found",
    exceptions.MethodNotAllowed: "method_not_allowed",
    exceptions.NotAcceptable: "not_acceptable",
    exceptions.UnsupportedMediaType: "unsupported_media_type",
    exceptions.Throttled: "rate_limited",
}


def envelope(*, code: str, message: str, details: dict[str, Any] | None = None) -> dict[str, Any]:
    return {"error": {"code": code, "message": message, "details": details or {}}}


def handle_exception(error: Exception, context: dict[str, Any]) -> Response:
    """DRF's `EXCEPTION_HANDLER`. What nobody expected is logged and answered with 500, saying nothing of the inside."""
    match error:
        case PortalError():
            wait = error.details.get("retry_after")
            headers = {} if wait is None else {"Retry-After": str(wait)}
            return _respond(error.http_status, error.code, error.message, error.details, headers=headers)
        case exceptions.ValidationError():
            fields = dict(_flatten(error.detail))
            field, (message, *_) = next(iter(fields.items()))
            return _respond(400, "invalid", message if field == "body" else f"{field}: {message}", {"fields": fields})
        case exceptions.APIException():
            return _respond(
                error.status_code, CODES.get(type(error), "error"), str(error.detail), headers=_headers(error)
            )
        case Http404():
            return _respond(404, "not_found", "There is nothing at this address, or this key does not reach it.")
        case PermissionDenied():
            return _respond(403, "forbidden", str(error) or "This key may not do that.")
        case RequestDataTooBig():
            return _respond(413, "body_too_large", "The body is too large. Send it in several requests.")
        case DataError(__cause__=NumericValueOutOfRange()):
            refusal = OutOfRange()
            return _respond(refusal.http_status, refusal.code, refusal.message)
        case SuspiciousOperation() | UnreadablePostError():
            return _respond(400, "malformed", "The request cannot be read.")
    logger.error("An API request failed", exc_info=error)
    got_request_exception.send(sender=None, request=context.get("request"))
    return _respond(500, "internal", "Something went wrong on our side. It was recorded; please try again.")


def _respond(
    status: int,
    code: str,
    message: str,
    details: dict[str, Any] | None = None,
    *,
    headers: dict[str, str] | None = None,
) -> Response:
    return Response(envelope(code=code, message=message, details=details), status=status, headers=headers)


def _headers(error: exceptions.APIException) -> dict[str, str]:
    headers = {}
    if auth_header := getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = auth_header
    if (wait := getattr(error, "wait", None)) is not None:
        headers["Retry-After"] = str(int(wait))
    return headers


def _flatten(detail: Any, path: str = "") -> Iterator[tuple[str, list[str]]]:
    """DRF's nested errors as `{"events.3.quantity": ["…"]}`; errors of the whole are named `body`."""
    if isinstance(detail, dict):
        for name, inner in detail.items():
            whole = name == "non_field_errors"
            yield from _flatten(inner, path if whole else f"{path}.{name}" if path else str(name))
    elif isinstance(detail, list) and any(isinstance(inner, (dict, list)) for inner in detail):
        for position, inner in enumerate(detail):
            if inner:
                yield from _flatten(inner, f"{path}.{position}" if path else str(position))
    else:
        yield path or "body", [str(message) for message in (detail if isinstance(detail, list) else [detail])]
