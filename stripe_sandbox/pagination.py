"""Stripe's v1 lists: newest first, ``limit``, ``starting_after``, ``ending_before``, ``created[…]``, ``has_more``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .errors import InvalidRequest
from .objects import Params, StripeObject
from .world import World, public


def _limit(params: Params) -> int:
    limit = int(params.get("limit", 10))
    if not 1 <= limit <= 100:
        raise InvalidRequest("Limit must be between 1 and 100.", code="parameter_invalid_integer", param="limit")
    if params.get("starting_after") and params.get("ending_before"):
        raise InvalidRequest("You can only specify one of these parameters: ending_before, starting_after.")
    return limit


def _created(params: Params) -> dict[str, int]:
    created = params.get("created")
    if created is None:
        return {}
    return created if isinstance(created, dict) else {"gte": created, "lte": created}


def page(
    world: World,
    params: Params,
    object_type: str,
    url: str,
    *,
    keep: Callable[[StripeObject], bool] | None = None,
    **equal: Any,
) -> StripeObject:
    """One page of the objects of a type; ``equal`` leaves out filters that are None."""
    limit = _limit(params)
    world.flush()
    for cursor in ("starting_after", "ending_before"):
        if params.get(cursor):
            world.need(object_type, params[cursor], cursor)
    backwards = params.get("ending_before") is not None
    objects = world.store.select(
        object_type,
        equal={name.replace("__", "."): value for name, value in equal.items() if value is not None},
        created=_created(params),
        before=params.get("starting_after"),
        after=params.get("ending_before"),
        limit=-1 if keep else limit + 1,
        oldest_first=backwards,
    )
    kept = [obj for obj in objects if not obj.get("deleted") and (keep is None or keep(obj))]
    chosen, more = kept[:limit], len(kept) > limit
    if backwards:
        chosen.reverse()
    return {"object": "list", "data": [public(obj) for obj in chosen], "has_more": more, "url": url}


def slice_of(params: Params, objects: list[StripeObject], url: str) -> StripeObject:
    """One page of a list that is already in its final order (line items, invoice lines, …)."""
    limit = _limit(params)
    ids = [obj["id"] for obj in objects]
    start, end = 0, len(objects)
    for cursor in ("starting_after", "ending_before"):
        if params.get(cursor) and params[cursor] not in ids:
            raise InvalidRequest(f"No such object: '{params[cursor]}'", code="resource_missing", param=cursor)
    if params.get("starting_after"):
        start = ids.index(params["starting_after"]) + 1
    if params.get("ending_before"):
        end = ids.index(params["ending_before"])
        start = max(0, end - limit)
        more = start > 0
    else:
        more = start + limit < end
    return {
        "object": "list",
        "data": [public(obj) for obj in objects[start:end][:limit]],
        "has_more": more,
        "url": url,
    }
