"""Requests about products and the features they carry."""

from __future__ import annotations

from ..errors import InvalidRequest
from ..objects import Params, StripeObject
from ..pagination import page
from ..resources import prices, products
from ..routes import route
from ..values import assign, merge_metadata
from ..world import World


@route("POST /v1/products", "ProductCreateParams")
def create(world: World, params: Params) -> StripeObject:
    """Create a product, and its default price if ``default_price_data`` is given."""
    product = products.make(world, params)
    if params.get("default_price_data"):
        price = prices.make(world, params["default_price_data"] | {"product": product["id"]})
        product["default_price"] = price["id"]
        world.emit_update("product.updated", product)
    return product


@route("GET /v1/products", "ProductListParams")
def index(world: World, params: Params) -> StripeObject:
    """Products, newest first."""
    ids = params.get("ids")
    return page(
        world,
        params,
        "product",
        "/v1/products",
        keep=lambda p: (
            (ids is None or p["id"] in ids)
            and ("active" not in params or p["active"] == params["active"])
            and ("url" not in params or p["url"] == params["url"])
        ),
    )


@route("GET /v1/products/{id}")
def retrieve(world: World, params: Params, id: str) -> StripeObject:
    """One product."""
    return world.at("product", id)


@route("POST /v1/products/{id}", "ProductUpdateParams")
def update(world: World, params: Params, id: str) -> StripeObject:
    """Change a product."""
    product = world.at("product", id)
    assign(product, params, products.PLAIN)
    for name in ("images", "marketing_features"):
        if name in params:
            product[name] = params[name] or []
    if "metadata" in params:
        product["metadata"] = merge_metadata(product["metadata"], params["metadata"])
    if params.get("default_price"):
        price = world.need("price", params["default_price"], "default_price")
        if price["product"] != id:
            raise InvalidRequest("The price specified does not belong to this product.", param="default_price")
        product["default_price"] = price["id"]
    product["updated"] = world.now
    world.emit_update("product.updated", product)
    return product


@route("DELETE /v1/products/{id}")
def delete(world: World, params: Params, id: str) -> StripeObject:
    """Delete a product that never had a price."""
    product = world.at("product", id)
    if world.first("price", product=id):
        raise InvalidRequest(
            "This product cannot be deleted because it has one or more user-created prices.", param="id"
        )
    world.emit("product.deleted", product)
    product["deleted"] = True
    return {"id": id, "object": "product", "deleted": True}


@route("POST /v1/products/{product}/features", "ProductCreateFeatureParams")
def add_feature(world: World, params: Params, product: str) -> StripeObject:
    """Give a product an entitlement feature."""
    world.at("product", product)
    feature = world.need("entitlements.feature", params["entitlement_feature"], "entitlement_feature")
    for held in world.find("product_feature", _product=product):
        if held["entitlement_feature"]["id"] == feature["id"]:
            raise InvalidRequest("This feature is already attached to this product.", param="entitlement_feature")
    return world.add("product_feature", entitlement_feature=dict(feature), _product=product)


@route("GET /v1/products/{product}/features", "ProductListFeaturesParams")
def features_of(world: World, params: Params, product: str) -> StripeObject:
    """The features of a product."""
    world.at("product", product)
    return page(world, params, "product_feature", f"/v1/products/{product}/features", _product=product)


@route("GET /v1/products/{product}/features/{id}")
def retrieve_product_feature(world: World, params: Params, product: str, id: str) -> StripeObject:
    """One feature of a product."""
    return world.at("product_feature", id)


@route("DELETE /v1/products/{product}/features/{id}")
def remove_feature(world: World, params: Params, product: str, id: str) -> StripeObject:
    """Take a feature away from a product."""
    held = world.at("product_feature", id)
    held["deleted"] = True
    return {"id": id, "object": "product_feature", "deleted": True}
