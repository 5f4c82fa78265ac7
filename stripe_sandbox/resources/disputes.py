"""Disputes: opened by a test card or by hand, then won or lost."""

from __future__ import annotations

from ..errors import InvalidRequest
from ..objects import StripeObject
from ..values import nulls
from ..world import World, public
from . import balance_transactions

DISPUTE_FEE = 1500

_EVIDENCE = (
    "access_activity_log billing_address cancellation_policy cancellation_policy_disclosure cancellation_rebuttal "
    "customer_communication customer_email_address customer_name customer_purchase_ip customer_signature "
    "duplicate_charge_documentation duplicate_charge_explanation duplicate_charge_id product_description receipt "
    "refund_policy refund_policy_disclosure refund_refusal_explanation service_date service_documentation "
    "shipping_address shipping_carrier shipping_date shipping_documentation shipping_tracking_number "
    "uncategorized_file uncategorized_text"
)


def make(
    world: World, charge: StripeObject, *, reason: str = "fraudulent", inquiry: bool = False, amount: int | None = None
) -> StripeObject:
    """The cardholder disputes a charge. Unless it is an inquiry, the money leaves the balance at once."""
    if charge["status"] != "succeeded":
        raise InvalidRequest("Only a charge that succeeded can be disputed.")
    if any(d["status"] not in ("won", "lost", "warning_closed") for d in world.find("dispute", charge=charge["id"])):
        raise InvalidRequest("This charge is disputed already.")
    amount = charge["amount_captured"] - charge["amount_refunded"] if amount is None else amount
    dispute = world.add(
        "dispute",
        amount=amount,
        balance_transactions=[],
        charge=charge["id"],
        currency=charge["currency"],
        enhanced_eligibility_types=[],
        evidence=nulls(_EVIDENCE) | {"enhanced_evidence": {}},
        evidence_details={
            "due_by": world.now + 9 * 86400,
            "enhanced_eligibility": {},
            "has_evidence": False,
            "past_due": False,
            "submission_count": 0,
        },
        is_charge_refundable=inquiry,
        metadata={},
        payment_intent=charge["payment_intent"],
        payment_method_details={
            "type": "card",
            "card": {
                "brand": (charge["payment_method_details"].get("card") or {}).get("brand", "visa"),
                "network": "visa",
                "case_type": "inquiry" if inquiry else "chargeback",
                "network_reason_code": "10.4",
            },
        },
        reason=reason,
        status="warning_needs_response" if inquiry else "needs_response",
    )
    charge["disputed"] = True
    if not inquiry:
        _move_funds(world, dispute, -amount, DISPUTE_FEE, "dispute")
    world.emit("charge.dispute.created", dispute)
    if not inquiry:
        world.emit("charge.dispute.funds_withdrawn", dispute)
    return dispute


def _move_funds(world: World, dispute: StripeObject, amount: int, fee: int, category: str) -> None:
    transaction = balance_transactions.make(
        world,
        amount=amount,
        currency=dispute["currency"],
        kind="adjustment",
        source=dispute["id"],
        fee=fee,
        category=category,
    )
    dispute["balance_transactions"].append(public(transaction))


def close(world: World, dispute: StripeObject, *, won: bool) -> StripeObject:
    """The bank decides. Won: the money comes back. An inquiry that is won is merely closed."""
    if dispute["status"] in ("won", "lost", "warning_closed"):
        raise InvalidRequest(f"This dispute is closed already: {dispute['status']}.")
    inquiry = dispute["status"].startswith("warning")
    if inquiry and not won:
        # The inquiry becomes a chargeback that is lost: the money leaves now.
        _move_funds(world, dispute, -dispute["amount"], DISPUTE_FEE, "dispute")
        world.emit("charge.dispute.funds_withdrawn", dispute)
    if won and not inquiry:
        _move_funds(world, dispute, dispute["amount"], 0, "dispute_reversal")
    dispute["status"] = ("warning_closed" if inquiry else "won") if won else "lost"
    dispute["is_charge_refundable"] = won
    if won:
        charge = world.need("charge", dispute["charge"])
        charge["disputed"] = not inquiry
    world.emit("charge.dispute.closed", dispute)
    if won and not inquiry:
        world.emit("charge.dispute.funds_reinstated", dispute)
    return dispute
