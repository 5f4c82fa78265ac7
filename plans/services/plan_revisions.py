"""Revisions: the terms of each plan, stored whenever the catalogue changes them."""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Required, TypedDict, cast

from django.db import transaction

from core.locks import for_update
from core.quantities import as_text
from plans import hooks
from plans.engine import price_ladders
from plans.engine.commitments import Bounds
from plans.engine.price_ladders import LadderJson
from plans.engine.terms import Beyond, CommitmentTerms, CreditRate, MeterTerms, PlanTerms
from plans.models import Allowance, Commitment, Meter, Plan, PlanRevision


class RateContent(TypedDict):
    unit: str
    ladder: LadderJson


class CommitmentContent(TypedDict):
    minimum: int
    bundle: int
    maximum: int | None
    on_demand: bool


class MeterContent(TypedDict, total=False):
    """What a revision keeps of a meter; quantities are decimal strings, `included` None is unlimited."""

    code: Required[str]
    id: Required[int]
    aggregation: Required[str]
    unit_name: Required[str]
    rates: Required[list[RateContent]]
    included: str | None
    beyond: Beyond
    bill: LadderJson | None
    currency: str | None
    cap: int | None
    concurrency: int | None
    commitment: CommitmentContent


class PlanContent(TypedDict):
    """What a revision keeps, as JSON: `PlanRevision.content`."""

    code: str
    name: str
    meters: list[MeterContent]


def publish_terms(*, now: datetime) -> None:
    """Add a revision for each plan whose terms differ from its newest one; it holds from `now` on.

    Called after every change of meters, rates, plans, allowances and commitments, in its transaction. A plan's first
    revision holds for all the time before it as well.
    """
    with transaction.atomic():
        # Publishing one at a time keeps the ids in the order of commits, as the cache in `terms_in_force` needs them.
        ids = list(for_update(Plan.objects.all()).values_list("id", flat=True))
        plans = Plan.objects.filter(id__in=ids).for_terms()
        newest = {
            revision.plan_id: revision.content
            for revision in PlanRevision.objects.order_by("plan_id", "-id").distinct("plan_id")
        }
        changed = [(plan, content) for plan in plans if (content := content_of(plan)) != newest.get(plan.pk)]
        PlanRevision.objects.bulk_create(
            PlanRevision(plan=plan, effective_at=now, content=content) for plan, content in changed
        )
        if changed:
            hooks.catalogue_changed(plan_ids=[plan.pk for plan, _ in changed], now=now)


def content_of(plan: Plan) -> PlanContent:
    """The plan's terms as JSON; `terms_of` reads it back."""
    meters = [_allowance_content(allowance, plan.currency) for allowance in plan.allowances.all()]
    if plan.has_commitment:
        code = plan.commitment.meter.code
        own = next((meter for meter in meters if meter["code"] == code), None)
        meters = [meter for meter in meters if meter is not own]
        meters.append(_commitment_content(plan.commitment, own["concurrency"] if own else None))
    return {"code": plan.code, "name": plan.name, "meters": meters}


def _allowance_content(allowance: Allowance, currency: str | None) -> MeterContent:
    return {
        **_meter_content(allowance.meter),
        "included": None if allowance.included is None else as_text(allowance.included),
        "beyond": cast(Beyond, allowance.beyond),
        "bill": allowance.bill_ladder.as_json() if allowance.bill_ladder else None,
        "currency": currency if allowance.is_billed else None,
        "cap": allowance.cap_amount,
        "concurrency": allowance.concurrency,
    }


def _commitment_content(commitment: Commitment, concurrency: int | None) -> MeterContent:
    return {
        **_meter_content(commitment.meter),
        "rates": [],
        "included": "0",
        "beyond": "block",
        "concurrency": concurrency,
        "commitment": {
            "minimum": commitment.minimum,
            "bundle": commitment.bundle,
            "maximum": commitment.maximum,
            "on_demand": commitment.beyond == Commitment.Beyond.ON_DEMAND,
        },
    }


def _meter_content(meter: Meter) -> MeterContent:
    return {
        "code": meter.code,
        "id": meter.pk,
        "aggregation": meter.aggregation,
        "unit_name": meter.unit_name,
        "rates": [{"unit": rate.unit_id, "ladder": rate.ladder.as_json()} for rate in meter.credit_rates.all()],
    }


def terms_of(revision: PlanRevision) -> PlanTerms:
    meters = {meter["code"]: _meter_terms(meter) for meter in revision.content["meters"]}
    return PlanTerms(
        plan_id=revision.plan_id,
        code=revision.content["code"],
        name=revision.content["name"],
        effective_at=revision.effective_at,
        meters=meters,
        commitment_meter=next((code for code, terms in meters.items() if terms.commitment), None),
    )


def _meter_terms(meter: MeterContent) -> MeterTerms:
    commitment = meter.get("commitment")
    return MeterTerms(
        meter=meter["code"],
        meter_id=meter["id"],
        aggregation=meter["aggregation"],
        unit_name=meter["unit_name"],
        included=None if meter["included"] is None else Decimal(meter["included"]),
        beyond=meter["beyond"],
        credit_rates=tuple(CreditRate(rate["unit"], price_ladders.parse(rate["ladder"])) for rate in meter["rates"]),
        bill=price_ladders.parse(meter["bill"]) if meter.get("bill") else None,
        currency=meter.get("currency"),
        cap=meter.get("cap"),
        concurrency=meter["concurrency"],
        commitment=CommitmentTerms(
            bought=0,
            bounds=Bounds(commitment["minimum"], commitment["bundle"], commitment["maximum"]),
            on_demand=commitment["on_demand"],
        )
        if commitment
        else None,
    )


def revisions_by_plan(revisions: Iterable[PlanRevision]) -> dict[int, list[PlanTerms]]:
    """Oldest first."""
    found: dict[int, list[PlanTerms]] = {}
    for revision in revisions:
        found.setdefault(revision.plan_id, []).append(terms_of(revision))
    return found
