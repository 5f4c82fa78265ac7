"""Answers to what no view answered: pages for people, the API's error envelope under `/api/`."""

from http import HTTPStatus

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views import defaults

from core.api.errors import envelope

CODES = {
    HTTPStatus.BAD_REQUEST: ("malformed", "The request is malformed."),
    HTTPStatus.FORBIDDEN: ("forbidden", "This is not allowed."),
    HTTPStatus.NOT_FOUND: ("not_found", "There is nothing at this address. The paths are listed at /api/docs/."),
    HTTPStatus.INTERNAL_SERVER_ERROR: ("internal", "Something went wrong on our side. Trying again later is safe."),
}


def _is_api(request: HttpRequest) -> bool:
    return request.path.startswith("/api/v1/")


def _envelope(status: HTTPStatus) -> JsonResponse:
    code, message = CODES[status]
    return JsonResponse(envelope(code=code, message=message), status=status)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    if _is_api(request):
        return _envelope(HTTPStatus.BAD_REQUEST)
    return defaults.bad_request(request, exception)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    if _is_api(request):
        return _envelope(HTTPStatus.FORBIDDEN)
    return defaults.permission_denied(request, exception)


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    if _is_api(request):
        return _envelope(HTTPStatus.NOT_FOUND)
    return defaults.page_not_found(request, exception)


def server_error(request: HttpRequest) -> HttpResponse:
    if _is_api(request):
        return _envelope(HTTPStatus.INTERNAL_SERVER_ERROR)
    return defaults.server_error(request)
