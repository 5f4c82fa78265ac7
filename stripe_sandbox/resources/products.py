"""Products, the entitlement features they carry, and those features themselves."""

from __future__ import annotations

from ..errors import InvalidRequest
from ..lists import page
from ..parameters import Params
from ..routes import route
from ..store import Obj
from ..values import assign, merge_metadata, nulls
from ..world import World

_PLAIN = ("active", "description", "name", "shippable", "statement_descriptor", "tax_code", "unit_label", "url")


def make(world: World, params: Params) -> Obj:
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
    assign(product, params, _PLAIN)
    world.emit("product.created", product)
    return product


@route("POST /v1/products", "ProductCreateParams")
def create(world: World, params: Params) -> Obj:
    """Create a product, and its default price if ``default_price_data`` is given."""
    from . import prices

    product = make(world, params)
    if params.get("default_price_data"):
        price = prices.make(world, params["default_price_data"] | {"product": product["id"]})
        product["default_price"] = price["id"]
        world.emit_update("product.updated", product)
    return product


@route("GET /v1/products", "ProductListParams")
def index(world: World, params: Params) -> Obj:
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
def retrieve(world: World, params: Params, id: str) -> Obj:
    """One product."""
    return world.at("product", id)


@route("POST /v1/products/{id}", "ProductUpdateParams")
def update(world: World, params: Params, id: str) -> Obj:
    """Change a product."""
    product = world.at("product", id)
    assign(product, params, _PLAIN)
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
def delete(world: World, params: Params, id: str) -> Obj:
    """Delete a product that never had a price."""
    product = world.at("product", id)
    if world.first("price", product=id):
        raise InvalidRequest(
            "This product cannot be deleted because it has one or more user-created prices.", param="id"
        )
    world.emit("product.deleted", product)
    product["deleted"] = True
    return {"id": id, "object": "product", "deleted": True}


# Features of a product


@route("POST /v1/products/{product}/features", "ProductCreateFeatureParams")
def add_feature(world: World, params: Params, product: str) -> Obj:
    """Give a product an entitlement feature."""
    world.at("product", product)
    feature = world.need("entitlements.feature", params["entitlement_feature"], "entitlement_feature")
    for held in world.find("product_feature", _product=product):
        if held["entitlement_feature"]["id"] == feature["id"]:
            raise InvalidRequest("This feature is already attached to this product.", param="entitlement_feature")
    return world.add("product_feature", entitlement_feature=dict(feature), _product=product)


@route("GET /v1/products/{product}/features", "ProductListFeaturesParams")
def features_of(world: World, params: Params, product: str) -> Obj:
    """The features of a product."""
    world.at("product", product)
    return page(world, params, "product_feature", f"/v1/products/{product}/features", _product=product)


@route("GET /v1/products/{product}/features/{id}")
def retrieve_product_feature(world: World, params: Params, product: str, id: str) -> Obj:
    """One feature of a product."""
    return world.at("product_feature", id)


@route("DELETE /v1/products/{product}/features/{id}")
def remove_feature(world: World, params: Params, product: str, id: str) -> Obj:
    """Take a feature away from a product."""
    held = world.at("product_feature", id)
    held["deleted"] = True
    return {"id": id, "object": "product_feature", "deleted": True}


# Features themselves


@route("POST /v1/entitlements/features", "entitlements.FeatureCreateParams")
def create_feature(world: World, params: Params) -> Obj:
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
def features(world: World, params: Params) -> Obj:
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
def retrieve_feature(world: World, params: Params, id: str) -> Obj:
    """One feature."""
    return world.at("entitlements.feature", id)


@route("POST /v1/entitlements/features/{id}", "entitlements.FeatureUpdateParams")
def update_feature(world: World, params: Params, id: str) -> Obj:
    """Rename or archive a feature."""
    feature = world.at("entitlements.feature", id)
    assign(feature, params, ("name", "active"))
    if "metadata" in params:
        feature["metadata"] = merge_metadata(feature["metadata"], params["metadata"])
    return feature
