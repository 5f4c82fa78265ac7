"""Requests about refunds."""

from __future__ import annotations

from ..errors import InvalidRequest
from ..objects import Params, StripeObject
from ..pagination import page
from ..resources import refunds
from ..routes import route
from ..values import merge_metadata
from ..world import World


def _charge_for(world: World, params: Params) -> StripeObject:
    if params.get("charge"):
        return world.need("charge", params["charge"], "charge")
    if not params.get("payment_intent"):
        raise InvalidRequest(
            "One of the following params should be provided for this request: payment_intent or charge.",
            code="parameter_missing",
            param="payment_intent",
        )
    intent = world.need("payment_intent", params["payment_intent"], "payment_intent")
    charge = world.get(intent["latest_charge"])
    if charge is None or charge["status"] != "succeeded":
        raise InvalidRequest(
            f"This PaymentIntent ({intent['id']}) does not have a successful charge to refund.", param="payment_intent"
        )
    return charge


@route("POST /v1/refunds", "RefundCreateParams")
def create(world: World, params: Params) -> StripeObject:
    """Refund a charge or the charge of an intent."""
    return refunds.make(
        world,
        _charge_for(world, params),
        params.get("amount"),
        reason=params.get("reason"),
        metadata=params.get("metadata"),
    )


@route("GET /v1/refunds", "RefundListParams")
def index(world: World, params: Params) -> StripeObject:
    """Refunds, newest first."""
    return page(
        world,
        params,
        "refund",
        "/v1/refunds",
        charge=params.get("charge"),
        payment_intent=params.get("payment_intent"),
    )


@route("GET /v1/refunds/{id}")
def retrieve(world: World, params: Params, id: str) -> StripeObject:
    """One refund."""
    return world.at("refund", id)


@route("POST /v1/refunds/{id}", "RefundUpdateParams")
def update(world: World, params: Params, id: str) -> StripeObject:
    """Change a refund's metadata."""
    refund = world.at("refund", id)
    refund["metadata"] = merge_metadata(refund["metadata"], params.get("metadata"))
    world.emit_update("refund.updated", refund)
    return refund


@route("POST /v1/refunds/{id}/cancel", "RefundCancelParams")
def cancel(world: World, params: Params, id: str) -> StripeObject:
    """Cards cannot do this; Stripe refuses it too."""
    world.at("refund", id)
    raise InvalidRequest("You can only cancel a refund that requires an action from the customer.")
