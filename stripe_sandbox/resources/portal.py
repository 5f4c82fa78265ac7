"""Customer portal: configurations and sessions. Its pages are in ``pages/portal.py``."""

from __future__ import annotations

from typing import Any

from ..errors import InvalidRequest
from ..ids import random_text
from ..lists import page
from ..parameters import Params
from ..routes import route
from ..store import Obj
from ..values import merge_metadata
from ..world import World


def _features(given: Params) -> Obj:
    update, cancel = given.get("customer_update") or {}, given.get("subscription_cancel") or {}
    change = given.get("subscription_update") or {}
    return {
        "customer_update": {
            "allowed_updates": update.get("allowed_updates") or [],
            "enabled": update.get("enabled", False),
        },
        "invoice_history": {"enabled": (given.get("invoice_history") or {}).get("enabled", False)},
        "payment_method_update": {
            "enabled": (given.get("payment_method_update") or {}).get("enabled", False),
            "payment_method_configuration": None,
        },
        "subscription_cancel": {
            "cancellation_reason": {"enabled": False, "options": []},
            "enabled": cancel.get("enabled", False),
            "mode": cancel.get("mode", "at_period_end"),
            "proration_behavior": cancel.get("proration_behavior", "none"),
        },
        "subscription_update": {
            "billing_cycle_anchor": None,
            "default_allowed_updates": change.get("default_allowed_updates") or [],
            "enabled": change.get("enabled", False),
            "products": None,
            "proration_behavior": change.get("proration_behavior", "none"),
            "schedule_at_period_end": {"conditions": []},
            "trial_update_behavior": "end_trial",
        },
    }


def _make(world: World, params: Params, *, is_default: bool) -> Obj:
    profile = params.get("business_profile") or {}
    return world.add(
        "billing_portal.configuration",
        active=True,
        application=None,
        business_profile={
            "headline": profile.get("headline"),
            "privacy_policy_url": profile.get("privacy_policy_url"),
            "terms_of_service_url": profile.get("terms_of_service_url"),
        },
        default_return_url=params.get("default_return_url") or None,
        features=_features(params.get("features") or {}),
        is_default=is_default,
        login_page={"enabled": False, "url": None},
        metadata=merge_metadata({}, params.get("metadata")),
        name=params.get("name"),
        updated=world.now,
    )


def default_configuration(world: World) -> Obj:
    """The default configuration: everything the portal's page can do is on."""
    found = world.first("billing_portal.configuration", is_default=1)
    on: dict[str, Any] = {"enabled": True}
    features = {
        "invoice_history": on,
        "payment_method_update": on,
        "subscription_cancel": on,
        "customer_update": on | {"allowed_updates": ["email", "address"]},
    }
    return found or _make(world, {"features": features}, is_default=True)


@route("POST /v1/billing_portal/configurations", "billing_portal.ConfigurationCreateParams")
def create_configuration(world: World, params: Params) -> Obj:
    """Create a configuration."""
    return _make(world, params, is_default=False)


@route("GET /v1/billing_portal/configurations", "billing_portal.ConfigurationListParams")
def configurations(world: World, params: Params) -> Obj:
    """Configurations, newest first."""
    default_configuration(world)
    return page(world, params, "billing_portal.configuration", "/v1/billing_portal/configurations")


@route("GET /v1/billing_portal/configurations/{id}")
def retrieve_configuration(world: World, params: Params, id: str) -> Obj:
    """One configuration."""
    return world.at("billing_portal.configuration", id)


@route("POST /v1/billing_portal/configurations/{id}", "billing_portal.ConfigurationUpdateParams")
def update_configuration(world: World, params: Params, id: str) -> Obj:
    """Change a configuration."""
    found = world.at("billing_portal.configuration", id)
    if "active" in params:
        found["active"] = params["active"]
    if "default_return_url" in params:
        found["default_return_url"] = params["default_return_url"] or None
    if "metadata" in params:
        found["metadata"] = merge_metadata(found["metadata"], params["metadata"])
    if "features" in params:
        fresh = _features(params["features"])
        found["features"] |= {name: fresh[name] for name in params["features"]}
    found["updated"] = world.now
    return found


def _flow(given: Params | None) -> Obj | None:
    if not given:
        return None
    after = given.get("after_completion") or {"type": "portal_homepage"}
    kind = given["type"]
    flow: Obj = {
        "after_completion": {
            "hosted_confirmation": after.get("hosted_confirmation"),
            "redirect": after.get("redirect"),
            "type": after["type"],
        },
        "subscription_cancel": None,
        "subscription_update": None,
        "subscription_update_confirm": None,
        "type": kind,
    }
    if kind == "subscription_cancel":
        flow["subscription_cancel"] = {"retention": None, "subscription": given[kind]["subscription"]}
    elif kind == "subscription_update":
        flow["subscription_update"] = {"subscription": given[kind]["subscription"]}
    elif kind == "subscription_update_confirm":
        raise InvalidRequest("The sandbox's portal does not confirm updates.", param="flow_data[type]")
    return flow


@route("POST /v1/billing_portal/sessions", "billing_portal.SessionCreateParams")
def create(world: World, params: Params) -> Obj:
    """A short-lived link to the portal for one customer."""
    if not params.get("customer"):
        raise InvalidRequest("Missing required param: customer.", code="parameter_missing", param="customer")
    customer = world.need("customer", params["customer"], "customer")
    configuration = (
        world.need("billing_portal.configuration", params["configuration"], "configuration")
        if params.get("configuration")
        else default_configuration(world)
    )
    secret = "test_" + random_text(40)
    return world.add(
        "billing_portal.session",
        configuration=configuration["id"],
        customer=customer["id"],
        customer_account=None,
        flow=_flow(params.get("flow_data")),
        locale=params.get("locale"),
        on_behalf_of=None,
        return_url=params.get("return_url") or configuration["default_return_url"],
        url=f"{world.public_url}/p/session/{secret}",
        _secret=secret,
    )
