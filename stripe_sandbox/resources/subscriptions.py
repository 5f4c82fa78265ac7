"""Subscriptions: their attributes, their one period. ``flows/`` has how they begin, change, renew and end."""

from __future__ import annotations

from typing import Any

from ..errors import InvalidRequest
from ..objects import Params, StripeObject
from ..values import nulls
from ..world import World
from . import payment_methods, subscription_items

ENDED = ("canceled", "incomplete_expired")


def blank(world: World, customer: StripeObject, *, currency: str, **values: Any) -> StripeObject:
    """A subscription without items, not yet announced."""
    sub = world.add(
        "subscription",
        **nulls(
            "application application_fee_percent billing_cycle_anchor_config billing_thresholds cancel_at canceled_at "
            "customer_account days_until_due default_payment_method default_source description ended_at latest_invoice "
            "next_pending_invoice_item_invoice on_behalf_of pause_collection pending_invoice_item_interval "
            "pending_setup_intent pending_update schedule test_clock transfer_data trial_end trial_start"
        )
        | {
            "automatic_tax": {"disabled_reason": None, "enabled": False, "liability": None},
            "billing_cycle_anchor": world.now,
            "billing_mode": {"flexible": None, "type": "classic"},
            "billing_schedules": [],
            "cancel_at_period_end": False,
            "cancellation_details": nulls("comment feedback feedback_option reason"),
            "collection_method": "charge_automatically",
            "currency": currency,
            "customer": customer["id"],
            "default_tax_rates": [],
            "discounts": [],
            "invoice_settings": nulls("account_tax_ids custom_fields description footer")
            | {"issuer": {"type": "self"}},
            "items": {"object": "list", "data": [], "has_more": False, "url": ""},
            "metadata": {},
            "payment_settings": nulls("payment_method_options payment_method_types")
            | {"save_default_payment_method": "off"},
            "start_date": world.now,
            "status": "incomplete",
            "trial_settings": {"end_behavior": {"missing_payment_method": "create_invoice"}},
            "_coupons": [],
            "_pending": None,
        }
        | values,
    )
    sub["items"]["url"] = f"/v1/subscription_items?subscription={sub['id']}"
    return sub


def items(sub: StripeObject) -> list[StripeObject]:
    """The items themselves."""
    return list(sub["items"]["data"])


def interval(sub: StripeObject) -> tuple[str, int]:
    """The one interval of all items."""
    recurring = sub["items"]["data"][0]["price"]["recurring"]
    return recurring["interval"], recurring["interval_count"]


def period(sub: StripeObject) -> tuple[int, int]:
    """Start and end of the current period."""
    first = sub["items"]["data"][0]
    return first["current_period_start"], first["current_period_end"]


def set_period(world: World, sub: StripeObject, start: int, end: int) -> None:
    """Move every item to this period and schedule its end."""
    for item in sub["items"]["data"]:
        item["current_period_start"], item["current_period_end"] = start, end
    world.unschedule(sub["id"], "subscription.renew")
    world.unschedule(sub["id"], "subscription.upcoming")
    world.schedule("subscription.renew", sub["id"], end)
    upcoming = end - int(world.setting("upcoming_days")) * 86400
    if upcoming > world.now:
        world.schedule("subscription.upcoming", sub["id"], upcoming)


def describe(world: World, sub: StripeObject) -> str:
    """What a subscription is for, in words, for pages."""
    return ", ".join(subscription_items.label(world, item) for item in items(sub))


def live(world: World, sub_id: str) -> StripeObject | None:
    """The subscription with this id, unless it has ended."""
    sub = world.get(sub_id)
    return sub if sub is not None and sub["status"] not in ENDED else None


def own_method(world: World, customer: StripeObject, method_id: str | None) -> str | None:
    """The customer's own payment method by its id; a test token is attached first."""
    if not method_id:
        return None
    method = payment_methods.resolve(world, method_id, "default_payment_method")
    if method["customer"] is None and method_id != method["id"]:
        payment_methods.attach(world, method, customer)
    if method["customer"] != customer["id"]:
        raise InvalidRequest(
            f"The customer does not have a payment method with the ID {method_id}. The payment method must be attached "
            "to the customer.",
            code="resource_missing",
            param="default_payment_method",
        )
    return str(method["id"])


def payment_settings(sub: StripeObject, params: Params) -> None:
    """Take over what the parameter says of paying."""
    given = params.get("payment_settings") or {}
    for name in ("payment_method_types", "save_default_payment_method"):
        if given.get(name):
            sub["payment_settings"][name] = given[name]


def cancel_at(world: World, sub: StripeObject, moment: Any) -> None:
    """Have the subscription end at a moment."""
    end = period(sub)[1]
    if isinstance(moment, str):  # min_period_end, max_period_end: all items share one period here
        moment = end
    if moment <= world.now:
        raise InvalidRequest("cancel_at must be in the future.", param="cancel_at")
    sub["cancel_at"], sub["canceled_at"] = moment, world.now
    sub["cancellation_details"]["reason"] = "cancellation_requested"
    if moment < end:
        world.schedule("subscription.cancel", sub["id"], moment)
