"""Pages of results, newest first."""

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from django.db.models import Model, QuerySet
from rest_framework.exceptions import NotFound
from rest_framework.pagination import CursorPagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer

from core import errors

if TYPE_CHECKING:
    from rest_framework.views import APIView  # it imports this module, which the settings name

POSITION = re.compile(r"[0-9]{1,19}", re.ASCII)
"""An id, as cursors carry it."""


class NewestFirstPagination(CursorPagination):
    """`{"results": […], "next": url|null, "previous": url|null}`, ordered by id: stable while rows are added."""

    ordering = "-id"
    page_size = 50
    page_size_query_param = "limit"
    max_page_size = 200

    def decode_cursor(self, request: Request) -> Any:
        """Raises NotFound for a cursor that did not come from us: there is no such page."""
        invalid = errors.NotFound("The cursor is not one of ours. Follow `next` and `previous` as given.")
        try:
            cursor = super().decode_cursor(request)
        except NotFound:
            raise invalid from None
        if cursor is not None and cursor.position is not None and not POSITION.fullmatch(str(cursor.position)):
            raise invalid
        return cursor

    def get_page_size(self, request: Request) -> int:
        """Raises InvalidInput for a `limit` outside 1 to 200: half an answer is worse than a refusal."""
        text = request.query_params.get(self.page_size_query_param)
        if text is None:
            return self.page_size
        if not (text.isascii() and text.isdigit() and len(text) <= 3 and 1 <= int(text) <= self.max_page_size):
            raise errors.InvalidInput(f"limit must be a whole number from 1 to {self.max_page_size}.", field="limit")
        return int(text)


def whole(rows: Iterable[Any]) -> Response:
    """A list too short to have pages, in the shape that every list has."""
    return Response({"results": list(rows), "next": None, "previous": None})


def paginated(
    view: "APIView",
    request: Request,
    queryset: QuerySet[Any, Any],
    serializer_class: type[BaseSerializer[Any]],
    **context: Any,
) -> Response:
    """One page of `queryset` as a response."""
    paginator = NewestFirstPagination()
    page: list[Model] = paginator.paginate_queryset(queryset, request, view=view) or []
    return paginator.get_paginated_response(serializer_class(page, many=True, context=context).data)
