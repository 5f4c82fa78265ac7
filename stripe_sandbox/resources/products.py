"""Products."""

from __future__ import annotations

from ..errors import InvalidRequest
from ..objects import Params, StripeObject
from ..values import assign, merge_metadata, nulls
from ..world import World

PLAIN = ("active", "description", "name", "shippable", "statement_descriptor", "tax_code", "unit_label", "url")


def make(world: World, params: Params) -> StripeObject:
    """A new product with ``product.created``."""
    if params.get("id") and world.get(params["id"]):
        raise InvalidRequest(
            f"Product already exists with id={params['id']}.", code="resource_already_exists", param="id"
        )
    product = world.add(
        "product",
        **nulls("default_price description package_dimensions shippable statement_descriptor tax_code unit_label url"),
        id=params.get("id"),
        active=True,
        images=params.get("images") or [],
        marketing_features=params.get("marketing_features") or [],
        metadata=merge_metadata({}, params.get("metadata")),
        name="",
        type=params.get("type", "service"),
        updated=world.now,
    )
    assign(product, params, PLAIN)
    world.emit("product.created", product)
    return product
