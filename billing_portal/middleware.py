"""What happens to every request: unusable addresses, headers of the answer, log lines."""

from collections.abc import Callable
from typing import Any

import structlog
from django.core.exceptions import SuspiciousOperation
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse, JsonResponse
from django_structlog import signals
from django_structlog.middlewares import RequestMiddleware

from core.api.errors import envelope

# None of these has a use here, so a page that was tampered with gets none of them.
PERMISSIONS_POLICY = "camera=(), geolocation=(), microphone=(), payment=(), usb=(), browsing-topics=()"


class RequestLog(RequestMiddleware):
    """One line for each request: method and path, without the query, which may hold what is nobody's business."""

    @staticmethod
    def format_request(request: HttpRequest) -> str:
        return f"{request.method} {request.path}"


@receiver([signals.bind_extra_request_finished_metadata, signals.update_failure_response])
def name_the_request(response: HttpResponse, **kwargs: Any) -> None:
    """The id that stands on the request's log lines, for a person to quote."""
    request_id = structlog.contextvars.get_contextvars().get("request_id")
    if request_id:
        response["X-Request-ID"] = request_id


class PermissionsPolicy:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response["Permissions-Policy"] = PERMISSIONS_POLICY
        return response


def refuse_nul_characters(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """PostgreSQL keeps no NUL in texts, so an address that holds one names nothing and is refused at once."""

    def middleware(request: HttpRequest) -> HttpResponse:
        if "\x00" not in request.path_info and "%00" not in request.META.get("QUERY_STRING", ""):
            return get_response(request)
        message = "The address holds a NUL character."
        if request.path_info.startswith("/api/"):
            return JsonResponse(envelope(code="malformed", message=message), status=400)
        raise SuspiciousOperation(message)

    return middleware
