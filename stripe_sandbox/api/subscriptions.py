"""Requests about subscriptions."""

from __future__ import annotations

from ..errors import InvalidRequest
from ..flows import (
    collection,
    schedule_phases,
    subscription_changes,
    subscription_creation,
    subscription_invoices,
    subscription_lifecycle,
)
from ..objects import Params, StripeObject
from ..pagination import page
from ..parameters import refuse
from ..periods import next_boundary
from ..resources import invoice_items, invoices, setup_intents, subscriptions
from ..routes import route
from ..values import merge_metadata
from ..world import World


@route("POST /v1/subscriptions", "SubscriptionCreateParams")
def create(world: World, params: Params) -> StripeObject:
    """Subscribe a customer, and collect the first invoice as ``payment_behavior`` says."""
    if not params.get("customer"):
        raise InvalidRequest("Missing required param: customer.", code="parameter_missing", param="customer")
    customer = world.need("customer", params["customer"], "customer")
    behaviour = params.get("payment_behavior", "allow_incomplete")
    sub, invoice = subscription_creation.make(world, customer, params)
    invoices.announce(world, invoice)
    charges = sub["collection_method"] == "charge_automatically"
    if invoice["total"] and charges and behaviour != "default_incomplete" and not collection.method_for(world, invoice):
        raise InvalidRequest(
            "This customer has no attached payment source or default payment method. Please consider adding a default "
            "payment method. For more information, visit https://stripe.com/docs/billing/subscriptions/payment-methods-setting.",
            code="resource_missing",
        )
    if behaviour == "default_incomplete":
        invoices.finalize(world, invoice)
        if not invoice["amount_due"]:
            invoices.settle(world, invoice)
    elif charges:
        invoices.finalize(world, invoice)
        if not invoice["amount_due"]:
            invoices.settle(world, invoice)
        else:
            off_session = bool(params.get("off_session", False))
            collection.attempt(world, invoice, off_session=off_session, automatic=False)
    else:
        collection.issue(world, invoice)
    if sub["status"] == "incomplete":
        _settle_first(world, sub, invoice, behaviour)
    if sub["status"] == "trialing" and not collection.method_for(world, invoice):
        pending = setup_intents.make(world, customer=customer["id"])
        sub["pending_setup_intent"] = pending["id"]
    world.emit_update("customer.subscription.updated", sub)
    return sub


def _settle_first(world: World, sub: StripeObject, invoice: StripeObject, behaviour: str) -> None:
    intent = world.get(invoice["_intent"])
    if invoice["status"] == "paid" or (intent is not None and intent["status"] == "processing"):
        sub["status"] = "active"
        return
    if behaviour == "error_if_incomplete":
        raise subscription_changes.payment_failed(world, invoice)
    subscription_lifecycle.wait_for_first_payment(world, sub)


@route("GET /v1/subscriptions", "SubscriptionListParams")
def index(world: World, params: Params) -> StripeObject:
    """Subscriptions, newest first; without ``status``, those that have not ended."""
    wanted = params.get("status")

    def keep(sub: StripeObject) -> bool:
        fits = {
            None: sub["status"] not in subscriptions.ENDED,
            "all": True,
            "ended": sub["status"] in subscriptions.ENDED,
        }.get(wanted, sub["status"] == wanted)
        return fits and (
            not params.get("price") or any(i["price"]["id"] == params["price"] for i in subscriptions.items(sub))
        )

    return page(world, params, "subscription", "/v1/subscriptions", keep=keep, customer=params.get("customer"))


@route("GET /v1/subscriptions/{id}")
def retrieve(world: World, params: Params, id: str) -> StripeObject:
    """One subscription."""
    return world.at("subscription", id)


@route("POST /v1/subscriptions/{id}", "SubscriptionUpdateParams")
def update(world: World, params: Params, id: str) -> StripeObject:
    """Change a subscription: items with proration, trial, cancellation, payment method, metadata."""
    refuse(params, "add_invoice_items", "billing_schedules", "billing_thresholds", "default_tax_rates", "transfer_data")
    sub = world.at("subscription", id)
    if sub["status"] in subscriptions.ENDED:
        raise InvalidRequest(
            "A canceled subscription can only update its cancellation_details and metadata.", code="resource_missing"
        )
    customer = world.need("customer", sub["customer"])
    if "metadata" in params:
        sub["metadata"] = merge_metadata(sub["metadata"], params["metadata"])
    if "default_payment_method" in params:
        sub["default_payment_method"] = subscriptions.own_method(
            world, customer, params["default_payment_method"] or None
        )
    for name in ("description", "days_until_due", "collection_method", "pause_collection", "trial_settings"):
        if name in params:
            sub[name] = params[name] or None
    if sub["pause_collection"]:
        sub["pause_collection"].setdefault("resumes_at", None)
    if "automatic_tax" in params:
        sub["automatic_tax"]["enabled"] = params["automatic_tax"]["enabled"]
    subscriptions.payment_settings(sub, params)
    if "discounts" in params:
        subscription_invoices.give_discounts(world, sub, params["discounts"])
    _cancellation(world, sub, params)
    billing = ("items", "trial_end", "billing_cycle_anchor")
    if any(name in params for name in billing):
        schedule_phases.follow(world, sub, params.get("items") or [])
        subscription_changes.carry_out(world, sub, subscription_changes.wanted(params))
    world.emit_update("customer.subscription.updated", sub)
    return sub


def _cancellation(world: World, sub: StripeObject, params: Params) -> None:
    if "cancel_at_period_end" in params:
        sub["cancel_at_period_end"] = params["cancel_at_period_end"]
        if params["cancel_at_period_end"]:
            sub["cancel_at"], sub["canceled_at"] = subscriptions.period(sub)[1], world.now
            sub["cancellation_details"]["reason"] = "cancellation_requested"
        else:
            _keep(world, sub)
    if "cancel_at" in params:
        if params["cancel_at"]:
            subscriptions.cancel_at(world, sub, params["cancel_at"])
        else:
            _keep(world, sub)
    for name in ("comment", "feedback"):
        if name in (params.get("cancellation_details") or {}):
            sub["cancellation_details"][name] = params["cancellation_details"][name] or None


def _keep(world: World, sub: StripeObject) -> None:
    sub["cancel_at"] = sub["canceled_at"] = sub["cancellation_details"]["reason"] = None
    sub["cancel_at_period_end"] = False
    world.unschedule(sub["id"], "subscription.cancel")


@route("DELETE /v1/subscriptions/{id}", "SubscriptionCancelParams")
def cancel(world: World, params: Params, id: str) -> StripeObject:
    """End now; ``prorate`` credits unused time, ``invoice_now`` invoices that and what was used."""
    sub = world.at("subscription", id)
    if sub["status"] in subscriptions.ENDED:
        raise InvalidRequest(f"No such subscription: '{id}'", code="resource_missing", param="id")
    sub["cancellation_details"] |= params.get("cancellation_details") or {}
    if params.get("prorate"):
        subscription_changes.give_back(world, sub)
    if params.get("invoice_now"):
        invoice = subscription_invoices.draft(world, sub, "manual")
        subscription_invoices.bill_usage(world, sub, invoice, subscriptions.period(sub)[0], world.now)
        invoice_items.pull(world, invoice, invoice_items.pending(world, sub["customer"], sub["id"]))
        sub["latest_invoice"] = invoice["id"]
        invoices.announce(world, invoice)
        collection.finalize_and_collect(world, invoice)
    subscription_lifecycle.end(world, sub)
    return sub


@route("POST /v1/subscriptions/{id}/resume", "SubscriptionResumeParams")
def resume(world: World, params: Params, id: str) -> StripeObject:
    """Go on after a pause, with a new period and its invoice."""
    sub = world.at("subscription", id)
    if sub["status"] != "paused":
        raise InvalidRequest("Only paused subscriptions can be resumed.")
    sub["status"], sub["billing_cycle_anchor"] = "active", world.now
    start, end = world.now, next_boundary(world.now, *subscriptions.interval(sub), world.now)
    subscriptions.set_period(world, sub, start, end)
    invoice = subscription_invoices.draft(world, sub, "subscription_cycle")
    subscription_invoices.bill_ahead(world, sub, invoice, start, end)
    sub["latest_invoice"] = invoice["id"]
    world.emit("customer.subscription.resumed", sub)
    collection.issue(world, invoice)
    return sub


@route("DELETE /v1/subscriptions/{id}/discount")
def delete_discount(world: World, params: Params, id: str) -> StripeObject:
    """Take the discounts away."""
    sub = world.at("subscription", id)
    subscription_invoices.give_discounts(world, sub, [])
    world.emit_update("customer.subscription.updated", sub)
    return {"object": "discount", "deleted": True}
