"""Requests about events."""

from __future__ import annotations

from ..objects import Params, StripeObject
from ..pagination import page
from ..routes import route
from ..world import World, public


@route("GET /v1/events", "EventListParams")
def index(world: World, params: Params) -> StripeObject:
    """Events, newest first; ``type`` may end in ``*``."""
    types = params.get("types") or ([params["type"]] if params.get("type") else [])
    succeeded = params.get("delivery_success")

    def keep(event: StripeObject) -> bool:
        fits = not types or any(
            event["type"].startswith(wanted[:-1]) if wanted.endswith("*") else event["type"] == wanted
            for wanted in types
        )
        return fits and (succeeded is None or (_pending(world, event) == 0) == succeeded)

    shown = page(world, params, "event", "/v1/events", keep=keep if types or succeeded is not None else None)
    for event in shown["data"]:
        event["pending_webhooks"] = _pending(world, event)
    return shown


def _pending(world: World, event: StripeObject) -> int:
    return int(
        world.store.rows("SELECT count(*) AS n FROM deliveries WHERE event = ? AND state = 'pending'", event["id"])[0][
            "n"
        ]
    )


@route("GET /v1/events/{id}")
def retrieve(world: World, params: Params, id: str) -> StripeObject:
    """One event."""
    event: StripeObject = public(world.at("event", id)) | {}
    event["pending_webhooks"] = _pending(world, event)
    return event
