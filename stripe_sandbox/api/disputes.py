"""Requests about disputes."""

from __future__ import annotations

from ..objects import Params, StripeObject
from ..pagination import page
from ..resources import disputes
from ..routes import route
from ..values import merge_metadata
from ..world import World


@route("GET /v1/disputes", "DisputeListParams")
def index(world: World, params: Params) -> StripeObject:
    """Disputes, newest first."""
    return page(
        world,
        params,
        "dispute",
        "/v1/disputes",
        charge=params.get("charge"),
        payment_intent=params.get("payment_intent"),
    )


@route("GET /v1/disputes/{id}")
def retrieve(world: World, params: Params, id: str) -> StripeObject:
    """One dispute."""
    return world.at("dispute", id)


@route("POST /v1/disputes/{id}", "DisputeUpdateParams")
def update(world: World, params: Params, id: str) -> StripeObject:
    """Hand in evidence. As at Stripe, the texts ``winning_evidence`` and ``losing_evidence`` decide the case."""
    dispute = world.at("dispute", id)
    if "metadata" in params:
        dispute["metadata"] = merge_metadata(dispute["metadata"], params["metadata"])
    evidence = params.get("evidence") or {}
    if evidence:
        dispute["evidence"].update({name: value or None for name, value in evidence.items() if isinstance(value, str)})
        dispute["evidence_details"]["has_evidence"] = True
        if params.get("submit", True):
            dispute["evidence_details"]["submission_count"] += 1
            dispute["status"] = "warning_under_review" if dispute["status"].startswith("warning") else "under_review"
    world.emit_update("charge.dispute.updated", dispute)
    text = evidence.get("uncategorized_text")
    if text in ("winning_evidence", "losing_evidence"):
        disputes.close(world, dispute, won=text == "winning_evidence")
    return dispute


@route("POST /v1/disputes/{id}/close")
def accept(world: World, params: Params, id: str) -> StripeObject:
    """Accept the loss."""
    return disputes.close(world, world.at("dispute", id), won=False)
