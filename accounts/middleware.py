"""What is checked before any page or API view."""

from collections.abc import Callable

from django.core.exceptions import SuspiciousOperation
from django.http import HttpRequest, HttpResponse, JsonResponse

from core.api.errors import envelope


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
