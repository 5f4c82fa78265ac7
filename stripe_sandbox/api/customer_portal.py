"""Requests about the customer portal: configurations and sessions."""

from __future__ import annotations

from ..errors import InvalidRequest
from ..ids import random_text
from ..objects import Params, StripeObject
from ..pagination import page
from ..resources import customer_portal
from ..routes import route
from ..values import merge_metadata
from ..world import World


@route("POST /v1/billing_portal/configurations", "billing_portal.ConfigurationCreateParams")
def create_configuration(world: World, params: Params) -> StripeObject:
    """Create a configuration."""
    return customer_portal.make_configuration(world, params, is_default=False)


@route("GET /v1/billing_portal/configurations", "billing_portal.ConfigurationListParams")
def configurations(world: World, params: Params) -> StripeObject:
    """Configurations, newest first."""
    customer_portal.default_configuration(world)
    return page(world, params, "billing_portal.configuration", "/v1/billing_portal/configurations")


@route("GET /v1/billing_portal/configurations/{id}")
def retrieve_configuration(world: World, params: Params, id: str) -> StripeObject:
    """One configuration."""
    return world.at("billing_portal.configuration", id)


@route("POST /v1/billing_portal/configurations/{id}", "billing_portal.ConfigurationUpdateParams")
def update_configuration(world: World, params: Params, id: str) -> StripeObject:
    """Change a configuration."""
    found = world.at("billing_portal.configuration", id)
    if "active" in params:
        found["active"] = params["active"]
    if "default_return_url" in params:
        found["default_return_url"] = params["default_return_url"] or None
    if "metadata" in params:
        found["metadata"] = merge_metadata(found["metadata"], params["metadata"])
    if "features" in params:
        fresh = customer_portal.features(params["features"])
        found["features"] |= {name: fresh[name] for name in params["features"]}
    found["updated"] = world.now
    return found


@route("POST /v1/billing_portal/sessions", "billing_portal.SessionCreateParams")
def create_session(world: World, params: Params) -> StripeObject:
    """A short-lived link to the portal for one customer."""
    if not params.get("customer"):
        raise InvalidRequest("Missing required param: customer.", code="parameter_missing", param="customer")
    customer = world.need("customer", params["customer"], "customer")
    configuration = (
        world.need("billing_portal.configuration", params["configuration"], "configuration")
        if params.get("configuration")
        else customer_portal.default_configuration(world)
    )
    secret = "test_" + random_text(40)
    return world.add(
        "billing_portal.session",
        configuration=configuration["id"],
        customer=customer["id"],
        customer_account=None,
        flow=customer_portal.flow(params.get("flow_data")),
        locale=params.get("locale"),
        on_behalf_of=None,
        return_url=params.get("return_url") or configuration["default_return_url"],
        url=f"{world.public_url}/p/session/{secret}",
        _secret=secret,
    )
