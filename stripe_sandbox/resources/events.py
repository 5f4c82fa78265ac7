"""Events and the webhook endpoints they are sent to."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from .. import API_VERSION
from ..errors import InvalidRequest
from ..ids import random_text
from ..lists import page
from ..parameters import Params
from ..routes import route
from ..store import Obj
from ..values import merge_metadata
from ..world import World, public


@route("GET /v1/events", "EventListParams")
def index(world: World, params: Params) -> Obj:
    """Events, newest first; ``type`` may end in ``*``."""
    types = params.get("types") or ([params["type"]] if params.get("type") else [])
    succeeded = params.get("delivery_success")

    def keep(event: Obj) -> bool:
        fits = not types or any(
            event["type"].startswith(wanted[:-1]) if wanted.endswith("*") else event["type"] == wanted
            for wanted in types
        )
        return fits and (succeeded is None or (_pending(world, event) == 0) == succeeded)

    shown = page(world, params, "event", "/v1/events", keep=keep if types or succeeded is not None else None)
    for event in shown["data"]:
        event["pending_webhooks"] = _pending(world, event)
    return shown


def _pending(world: World, event: Obj) -> int:
    return int(
        world.store.rows("SELECT count(*) AS n FROM deliveries WHERE event = ? AND state = 'pending'", event["id"])[0][
            "n"
        ]
    )


@route("GET /v1/events/{id}")
def retrieve(world: World, params: Params, id: str) -> Obj:
    """One event."""
    event: Obj = public(world.at("event", id)) | {}
    event["pending_webhooks"] = _pending(world, event)
    return event


def _check_url(url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise InvalidRequest(
            "Invalid URL: An explicit scheme (such as https) must be provided.", code="url_invalid", param="url"
        )


def _check_events(names: list[str]) -> list[str]:
    for name in names:
        if name != "*" and "." not in name:
            raise InvalidRequest(f"Invalid enabled_events: unknown event type {name}", param="enabled_events")
    return names


@route("POST /v1/webhook_endpoints", "WebhookEndpointCreateParams")
def create_endpoint(world: World, params: Params) -> Obj:
    """Register an endpoint; plain http and localhost are welcome here. Only this answer carries the secret."""
    _check_url(params["url"])
    endpoint = world.add(
        "webhook_endpoint",
        api_version=params.get("api_version") or API_VERSION,
        application=None,
        description=params.get("description") or None,
        enabled_events=_check_events(params["enabled_events"]),
        metadata=merge_metadata({}, params.get("metadata")),
        status="enabled",
        url=params["url"],
        _secret="whsec_" + random_text(32),
    )
    world.forget_endpoints()
    shown: Obj = public(endpoint)
    shown["secret"] = endpoint["_secret"]
    return shown


@route("GET /v1/webhook_endpoints", "WebhookEndpointListParams")
def endpoints(world: World, params: Params) -> Obj:
    """Endpoints, newest first."""
    return page(world, params, "webhook_endpoint", "/v1/webhook_endpoints")


@route("GET /v1/webhook_endpoints/{id}")
def retrieve_endpoint(world: World, params: Params, id: str) -> Obj:
    """One endpoint, without its secret."""
    return world.at("webhook_endpoint", id)


@route("POST /v1/webhook_endpoints/{id}", "WebhookEndpointUpdateParams")
def update_endpoint(world: World, params: Params, id: str) -> Obj:
    """Change an endpoint, or switch it off and on."""
    endpoint = world.at("webhook_endpoint", id)
    if "url" in params:
        _check_url(params["url"])
        endpoint["url"] = params["url"]
    if "enabled_events" in params:
        endpoint["enabled_events"] = _check_events(params["enabled_events"])
    if "description" in params:
        endpoint["description"] = params["description"] or None
    if "disabled" in params:
        endpoint["status"] = "disabled" if params["disabled"] else "enabled"
    if "metadata" in params:
        endpoint["metadata"] = merge_metadata(endpoint["metadata"], params["metadata"])
    world.forget_endpoints()
    return endpoint


@route("DELETE /v1/webhook_endpoints/{id}")
def delete_endpoint(world: World, params: Params, id: str) -> Any:
    """Forget an endpoint; nothing more is sent to it."""
    endpoint = world.at("webhook_endpoint", id)
    endpoint["deleted"], endpoint["status"] = True, "disabled"
    world.forget_endpoints()
    return {"id": id, "object": "webhook_endpoint", "deleted": True}
