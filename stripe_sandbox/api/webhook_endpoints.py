"""Requests about the webhook endpoints that events are sent to."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from .. import API_VERSION
from ..errors import InvalidRequest
from ..ids import random_text
from ..objects import Params, StripeObject
from ..pagination import page
from ..routes import route
from ..values import merge_metadata
from ..world import World, public


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
def create(world: World, params: Params) -> StripeObject:
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
    shown: StripeObject = public(endpoint)
    shown["secret"] = endpoint["_secret"]
    return shown


@route("GET /v1/webhook_endpoints", "WebhookEndpointListParams")
def index(world: World, params: Params) -> StripeObject:
    """Endpoints, newest first."""
    return page(world, params, "webhook_endpoint", "/v1/webhook_endpoints")


@route("GET /v1/webhook_endpoints/{id}")
def retrieve(world: World, params: Params, id: str) -> StripeObject:
    """One endpoint, without its secret."""
    return world.at("webhook_endpoint", id)


@route("POST /v1/webhook_endpoints/{id}", "WebhookEndpointUpdateParams")
def update(world: World, params: Params, id: str) -> StripeObject:
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
def delete(world: World, params: Params, id: str) -> Any:
    """Forget an endpoint; nothing more is sent to it."""
    endpoint = world.at("webhook_endpoint", id)
    endpoint["deleted"], endpoint["status"] = True, "disabled"
    world.forget_endpoints()
    return {"id": id, "object": "webhook_endpoint", "deleted": True}
