"""Customer portal: configurations and what a session leads to. Its pages are in ``pages/customer_portal.py``."""

from __future__ import annotations

from typing import Any

from ..errors import InvalidRequest
from ..objects import Params, StripeObject
from ..values import merge_metadata
from ..world import World


def features(given: Params) -> StripeObject:
    """What a configuration switches on, every switch present."""
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


def make_configuration(world: World, params: Params, *, is_default: bool) -> StripeObject:
    """A new configuration."""
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
        features=features(params.get("features") or {}),
        is_default=is_default,
        login_page={"enabled": False, "url": None},
        metadata=merge_metadata({}, params.get("metadata")),
        name=params.get("name"),
        updated=world.now,
    )


def default_configuration(world: World) -> StripeObject:
    """The default configuration: everything the portal's page can do is on."""
    found = world.first("billing_portal.configuration", is_default=1)
    on: dict[str, Any] = {"enabled": True}
    features = {
        "invoice_history": on,
        "payment_method_update": on,
        "subscription_cancel": on,
        "customer_update": on | {"allowed_updates": ["email", "address"]},
    }
    return found or make_configuration(world, {"features": features}, is_default=True)


def flow(given: Params | None) -> StripeObject | None:
    """The one thing that a session is for, where it is for one."""
    if not given:
        return None
    after = given.get("after_completion") or {"type": "portal_homepage"}
    kind = given["type"]
    flow: StripeObject = {
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
