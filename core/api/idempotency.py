"""`Idempotency-Key` on POST: the same key and body get the same answer again, and the work is done once.

Keys belong to one API key and one path. Answers below 500 are kept for seven days; after a 5xx the work may be tried
again.
"""

import functools
import hashlib
import json
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any, NamedTuple

from django.db import transaction
from django.http import HttpResponse, HttpResponseBase
from django.utils import timezone
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.api.caller import caller_of
from core.errors import Conflict, InvalidInput
from core.models import IdempotentRequest

HEADER = "Idempotency-Key"
USABLE_KEY = re.compile(r"[!-~]{1,255}")
CLAIM_LASTS = timedelta(minutes=2)
"""Longer than any request may run: a claim this old belongs to a process that died."""

Handler = Callable[..., HttpResponseBase]


class _Asked(NamedTuple):
    caller: int
    path: str
    key: str
    body_hash: str


def idempotent(*, calls_out: bool = False) -> Callable[[Handler], Handler]:
    """Honour `Idempotency-Key` in an APIView's POST handler.

    By default work and answer are committed in one transaction: after a crash either both happened or neither, and a
    second request that comes meanwhile waits for the first. A handler that talks to another system must not hold a
    transaction open over the call: with `calls_out` the key is claimed in a row of its own first, and a second request
    that comes meanwhile gets 409 `idempotency_in_progress`. If the process dies in between, the retry runs the handler
    again, which must therefore be safe to repeat by its own references.
    """

    def decorate(handler: Handler) -> Handler:
        @functools.wraps(handler)
        def wrapper(view: APIView, request: Request, *args: Any, **kwargs: Any) -> HttpResponseBase:
            asked = _asked(request)
            if asked is None:
                return handler(view, request, *args, **kwargs)
            work = functools.partial(handler, view, request, *args, **kwargs)
            return _claim_first(view, asked, work) if calls_out else _all_at_once(view, asked, work)

        wrapper.honours_idempotency_key = True  # type: ignore[attr-defined]
        wrapper.calls_out = calls_out  # type: ignore[attr-defined]
        return wrapper

    return decorate


def _asked(request: Request) -> _Asked | None:
    key = request.headers.get(HEADER)
    if key is None:
        return None
    if not USABLE_KEY.fullmatch(key):
        raise InvalidInput(f"{HEADER} must be 1 to 255 printable ASCII characters without blanks.", field=HEADER)
    # The meaning, not the bytes: another order of names or other blanks make no other body.
    canonical = json.dumps(request.data, sort_keys=True, default=str)
    path = hashlib.sha256(request.path.encode()).hexdigest() if len(request.path) > 500 else request.path
    return _Asked(caller_of(request), path, key, hashlib.sha256(canonical.encode()).hexdigest())


def _find_or_claim(asked: _Asked) -> tuple[IdempotentRequest, bool]:
    """The row of an earlier request, or a new one. Raises Conflict when the earlier one had another body."""
    now = timezone.now()
    row, claimed = IdempotentRequest.objects.get_or_create(
        caller=asked.caller,
        path=asked.path,
        key=asked.key,
        defaults={"body_hash": asked.body_hash, "created_at": now, "claimed_until": now + CLAIM_LASTS},
    )
    if row.body_hash != asked.body_hash:
        raise Conflict(
            f"This {HEADER} was used before with another body. Use a new key for a new request.",
            code="idempotency_mismatch",
        )
    return row, claimed


def _all_at_once(view: APIView, asked: _Asked, work: Callable[[], HttpResponseBase]) -> HttpResponseBase:
    with transaction.atomic():
        # A concurrent request with the same key waits here, at the unique index, until the first has committed.
        row, claimed = _find_or_claim(asked)
        if not claimed:
            return _replay(row)
        response = _answer(view, work, in_savepoint=True)
        if response.status_code >= 500:
            transaction.set_rollback(True)
        else:
            _keep(row, response)
        return response


def _claim_first(view: APIView, asked: _Asked, work: Callable[[], HttpResponseBase]) -> HttpResponseBase:
    row, claimed = _find_or_claim(asked)
    if not claimed:
        if row.status is not None:
            return _replay(row)
        _take_over(row)
    response = _answer(view, work, in_savepoint=False)
    if response.status_code >= 500:
        row.delete()
    else:
        _keep(row, response)
    return response


def _take_over(row: IdempotentRequest) -> None:
    """Claim what a dead process left behind. Raises Conflict while somebody else may still be at it."""
    now = timezone.now()
    taken = IdempotentRequest.objects.filter(pk=row.pk, status=None, claimed_until__lte=now).update(
        claimed_until=now + CLAIM_LASTS
    )
    if not taken:
        raise Conflict(
            f"A request with this {HEADER} is still being answered. Try again in a moment.",
            code="idempotency_in_progress",
        )


def _answer(view: APIView, work: Callable[[], HttpResponseBase], *, in_savepoint: bool) -> Response:
    """Run the handler; a refusal is an answer like any other, with the handler's own writes undone."""
    try:
        if not in_savepoint:
            return work()  # type: ignore[return-value]
        with transaction.atomic():
            return work()  # type: ignore[return-value]
    except Exception as error:
        return view.handle_exception(error)


def _keep(row: IdempotentRequest, response: Response) -> None:
    row.status = response.status_code
    row.body = JSONRenderer().render(response.data).decode()
    row.save(update_fields=["status", "body"])


def _replay(row: IdempotentRequest) -> HttpResponse:
    response = HttpResponse(row.body, status=row.status, content_type="application/json")
    response["Idempotent-Replayed"] = "true"
    return response
