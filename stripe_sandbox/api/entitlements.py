"""Requests about the features that products entitle to."""

from __future__ import annotations

from ..errors import InvalidRequest
from ..objects import Params, StripeObject
from ..pagination import page
from ..routes import route
from ..values import assign, merge_metadata
from ..world import World


@route("POST /v1/entitlements/features", "entitlements.FeatureCreateParams")
def create(world: World, params: Params) -> StripeObject:
    """Create a feature; its lookup key is unique for ever."""
    if world.first("entitlements.feature", lookup_key=params["lookup_key"]):
        raise InvalidRequest(
            f"There is already a feature with the lookup key '{params['lookup_key']}'.",
            code="resource_already_exists",
            param="lookup_key",
        )
    return world.add(
        "entitlements.feature",
        active=True,
        lookup_key=params["lookup_key"],
        metadata=merge_metadata({}, params.get("metadata")),
        name=params["name"],
    )


@route("GET /v1/entitlements/features", "entitlements.FeatureListParams")
def index(world: World, params: Params) -> StripeObject:
    """Features that are not archived, or those that are."""
    archived = params.get("archived", False)
    return page(
        world,
        params,
        "entitlements.feature",
        "/v1/entitlements/features",
        keep=lambda feature: feature["active"] != archived,
        lookup_key=params.get("lookup_key"),
    )


@route("GET /v1/entitlements/features/{id}")
def retrieve(world: World, params: Params, id: str) -> StripeObject:
    """One feature."""
    return world.at("entitlements.feature", id)


@route("POST /v1/entitlements/features/{id}", "entitlements.FeatureUpdateParams")
def update(world: World, params: Params, id: str) -> StripeObject:
    """Rename or archive a feature."""
    feature = world.at("entitlements.feature", id)
    assign(feature, params, ("name", "active"))
    if "metadata" in params:
        feature["metadata"] = merge_metadata(feature["metadata"], params["metadata"])
    return feature
