"""Requests about the items of subscriptions."""

from __future__ import annotations

from ..errors import InvalidRequest
from ..flows import schedule_phases, subscription_changes
from ..objects import Params, StripeObject
from ..pagination import slice_of
from ..resources import subscriptions
from ..routes import route
from ..world import World


def _find_item(world: World, item_id: str) -> tuple[StripeObject, StripeObject]:
    world.flush()
    for sub in world.find("subscription"):
        for item in subscriptions.items(sub):
            if item["id"] == item_id:
                return sub, item
    raise InvalidRequest(f"No such subscription_item: '{item_id}'", code="resource_missing", param="id")


@route("GET /v1/subscription_items", "SubscriptionItemListParams")
def index(world: World, params: Params) -> StripeObject:
    """The items of a subscription."""
    sub = world.need("subscription", params["subscription"], "subscription")
    return slice_of(params, subscriptions.items(sub), "/v1/subscription_items")


@route("GET /v1/subscription_items/{id}")
def retrieve(world: World, params: Params, id: str) -> StripeObject:
    """One item."""
    return _find_item(world, id)[1]


@route("POST /v1/subscription_items", "SubscriptionItemCreateParams")
def create(world: World, params: Params) -> StripeObject:
    """Add an item."""
    sub = world.need("subscription", params["subscription"], "subscription")
    known = {item["id"] for item in subscriptions.items(sub)}
    entry: Params = {key: params[key] for key in ("price", "price_data", "quantity", "metadata") if key in params}
    _change_items(world, sub, params, [entry])
    return next(item for item in subscriptions.items(sub) if item["id"] not in known)


@route("POST /v1/subscription_items/{id}", "SubscriptionItemUpdateParams")
def update(world: World, params: Params, id: str) -> StripeObject:
    """Change an item's price, quantity or metadata."""
    sub, _ = _find_item(world, id)
    entry: Params = {key: params[key] for key in ("price", "price_data", "quantity", "metadata") if key in params}
    _change_items(world, sub, params, [entry | {"id": id}])
    return next(item for item in subscriptions.items(sub) if item["id"] == id)


@route("DELETE /v1/subscription_items/{id}", "SubscriptionItemDeleteParams")
def delete(world: World, params: Params, id: str) -> StripeObject:
    """Take an item away."""
    sub, _ = _find_item(world, id)
    _change_items(world, sub, params, [{"id": id, "deleted": True}])
    return {"id": id, "object": "subscription_item", "deleted": True}


def _change_items(world: World, sub: StripeObject, params: Params, items: list[Params]) -> None:
    schedule_phases.follow(world, sub, items)
    subscription_changes.carry_out(world, sub, subscription_changes.wanted(params, items))
    world.emit_update("customer.subscription.updated", sub)
