"""Requests about checkout sessions."""

from __future__ import annotations

from ..errors import InvalidRequest
from ..expansion import includable, sublist
from ..objects import Params, StripeObject
from ..pagination import page, slice_of
from ..resources import checkout_sessions, tax_rates
from ..routes import route
from ..values import merge_metadata
from ..world import World


@route("POST /v1/checkout/sessions", "checkout.SessionCreateParams")
def create(world: World, params: Params) -> StripeObject:
    """Create a session and the address of its page."""
    return checkout_sessions.make(world, params)


@route("GET /v1/checkout/sessions", "checkout.SessionListParams")
def index(world: World, params: Params) -> StripeObject:
    """Sessions, newest first."""
    email = (params.get("customer_details") or {}).get("email")
    return page(
        world,
        params,
        "checkout.session",
        "/v1/checkout/sessions",
        customer=params.get("customer"),
        payment_intent=params.get("payment_intent"),
        subscription=params.get("subscription"),
        status=params.get("status"),
        customer_details__email=email,
    )


@route("GET /v1/checkout/sessions/{id}")
def retrieve(world: World, params: Params, id: str) -> StripeObject:
    """One session."""
    return world.at("checkout.session", id)


@route("POST /v1/checkout/sessions/{id}", "checkout.SessionUpdateParams")
def update(world: World, params: Params, id: str) -> StripeObject:
    """Change a session's metadata."""
    session = world.at("checkout.session", id)
    if "metadata" in params:
        session["metadata"] = merge_metadata(session["metadata"], params["metadata"])
    return session


@route("GET /v1/checkout/sessions/{id}/line_items", "checkout.SessionListLineItemsParams")
def line_items(world: World, params: Params, id: str) -> StripeObject:
    """What is bought."""
    session = world.at("checkout.session", id)
    return slice_of(params, checkout_sessions.shown_items(world, session), f"/v1/checkout/sessions/{id}/line_items")


@includable("checkout.session", "line_items")
def _line_items(world: World, session: StripeObject) -> StripeObject:
    return sublist(f"/v1/checkout/sessions/{session['id']}/line_items", checkout_sessions.shown_items(world, session))


@includable("checkout.session", "total_details.breakdown")
def _breakdown(world: World, session: StripeObject) -> StripeObject:
    taken = session["total_details"]["amount_discount"]
    discount = world.get(session.get("_discount"))
    percent = tax_rates.percent(world, enabled=session["automatic_tax"]["enabled"])
    tax = {
        "amount": session["total_details"]["amount_tax"],
        "rate": tax_rates.make(world, percent) if percent else None,
        "taxability_reason": "standard_rated",
        "taxable_amount": session["amount_subtotal"] - taken,
    }
    return {
        "discounts": [{"amount": taken, "discount": discount}] if discount else [],
        "taxes": [tax] if percent else [],
    }


@route("POST /v1/checkout/sessions/{id}/expire", "checkout.SessionExpireParams")
def expire(world: World, params: Params, id: str) -> StripeObject:
    """Expire an open session."""
    session = world.at("checkout.session", id)
    if session["status"] != "open":
        raise InvalidRequest(
            f'Only Checkout Sessions with a status in ["open"] can be expired. This Checkout Session has a status of '
            f"`{session['status']}`."
        )
    return checkout_sessions.expire(world, session)
