"""Refunds: partial or whole, never more than was charged, and sometimes failing days later."""

from __future__ import annotations

from ..clock import when
from ..errors import InvalidRequest
from ..objects import StripeObject
from ..values import merge_metadata, nulls
from ..world import World
from . import balance_transactions, charges


def make(
    world: World, charge: StripeObject, amount: int | None = None, *, reason: str | None = None, metadata: object = None
) -> StripeObject:
    """Refund (part of) a charge. Raises Stripe's errors when nothing is left, or less than asked."""
    left = charge["amount_captured"] - charge["amount_refunded"]
    if charge["status"] != "succeeded" or not charge["captured"]:
        raise InvalidRequest(f"Charge {charge['id']} has not been captured and cannot be refunded.", param="charge")
    if charge["refunded"] or left <= 0:
        raise InvalidRequest(
            f"Charge {charge['id']} has already been refunded.", code="charge_already_refunded", charge=charge["id"]
        )
    if charge["disputed"] and any(d["status"] != "won" for d in world.find("dispute", charge=charge["id"])):
        raise InvalidRequest(
            f"Charge {charge['id']} has been charged back; cannot issue a refund.", code="charge_disputed"
        )
    amount = left if amount is None else amount
    if amount < 1:
        raise InvalidRequest("Invalid positive integer", code="parameter_invalid_integer", param="amount")
    if amount > left:
        raise InvalidRequest(
            f"Refund amount ({amount}) is greater than unrefunded amount on charge ({left})", param="amount"
        )
    card = charges.card_behind(world, charge)
    behaviour = card.refund if card else "succeeds"
    refund = world.add(
        "refund",
        **nulls("receipt_number source_transfer_reversal transfer_reversal"),
        amount=amount,
        charge=charge["id"],
        currency=charge["currency"],
        destination_details={
            "type": "card",
            "card": {"reference_status": "pending", "reference_type": "acquirer_reference_number", "type": "refund"},
        }
        if card
        else {"type": "us_bank_transfer", "us_bank_transfer": nulls("reference reference_status")},
        metadata=merge_metadata({}, metadata),
        payment_intent=charge["payment_intent"],
        reason=reason,
        status="pending" if behaviour == "pending" else "succeeded",
    )
    transaction = balance_transactions.make(
        world, amount=-amount, currency=charge["currency"], kind="refund", source=refund["id"]
    )
    refund["balance_transaction"] = transaction["id"]
    if behaviour == "pending":
        refund["pending_reason"] = "processing"
    charge["amount_refunded"] += amount
    charge["refunded"] = charge["amount_refunded"] >= charge["amount_captured"]
    world.emit("refund.created", refund)
    world.emit_update("charge.refunded", charge)
    if behaviour == "fails_later":
        world.schedule("refund.fail", refund["id"], world.now + int(world.setting("refund_failure_seconds")))
    return refund


def fail(world: World, refund: StripeObject, reason: str = "expired_or_canceled_card") -> StripeObject:
    """The bank sends the money back: the refund fails and its amount counts as charged again."""
    if refund["status"] not in ("succeeded", "pending", "requires_action"):
        raise InvalidRequest(f"This refund has a status of {refund['status']} and cannot fail.")
    world.unschedule(refund["id"])
    transaction = balance_transactions.make(
        world,
        amount=refund["amount"],
        currency=refund["currency"],
        kind="refund_failure",
        source=refund["id"],
        category="refund_failure",
    )
    refund["status"], refund["failure_reason"] = "failed", reason
    refund["failure_balance_transaction"] = transaction["id"]
    refund.pop("pending_reason", None)
    charge = world.need("charge", refund["charge"])
    charge["amount_refunded"] -= refund["amount"]
    charge["refunded"] = False
    world.emit_update("refund.updated", refund)
    world.emit("refund.failed", refund)
    world.emit("charge.refund.updated", refund)
    return refund


def settle(world: World, refund: StripeObject) -> StripeObject:
    """A pending refund succeeds."""
    if refund["status"] != "pending":
        raise InvalidRequest(f"This refund has a status of {refund['status']} and is not pending.")
    refund["status"] = "succeeded"
    refund.pop("pending_reason", None)
    world.emit_update("refund.updated", refund)
    world.emit("charge.refund.updated", refund)
    return refund


@when("refund.fail")
def _refund_falls_due(world: World, refund_id: str) -> None:
    refund = world.get(refund_id)
    if refund is not None and refund["status"] == "succeeded":
        fail(world, refund)
