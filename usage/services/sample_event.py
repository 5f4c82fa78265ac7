"""Trying a sample event: what would happen, without anything happening."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from accounts.models import Organization
from plans.models import Meter
from plans.terms import timelines_for
from usage.engine.event_validation import Fact, Refused, read_fact
from usage.services.entitlements import Entitlement, entitlements
from usage.services.ingest import measured
from usage.services.segments import Place, Places


@dataclass(frozen=True, slots=True)
class Trial:
    """Either `refused` with its reason, or the fact, where it would count, and whether one so large is allowed now."""

    refused: Refused | None = None
    fact: Fact | None = None
    place: Place | None = None
    entitlement: Entitlement | None = None

    @property
    def adds(self) -> Decimal:
        return self.fact.counted if self.fact else Decimal(0)

    @property
    def answer(self) -> dict[str, Any]:
        return self.entitlement.as_json() if self.entitlement else {}


def try_event(*, organization: Organization, meter: Meter, event: dict[str, Any], now: datetime) -> Trial:
    """Read the event as ingest would, place it, and ask the entitlement for as much."""
    stated = {"id": "sample", **event, "organization": organization.public_id, "meter": meter.code}
    within_reach = {organization.public_id: organization.pk}
    try:
        fact = read_fact(stated, organizations=within_reach, meters=measured(), now=now)
    except Refused as refused:
        return Trial(refused=refused)
    timelines = timelines_for(organization_ids=[organization.pk], since=fact.event_at)
    place = Places(timelines).of(organization.pk, meter.code, fact.event_at)
    quantity = fact.counted if meter.aggregation == Meter.Aggregation.SUM and fact.counted else Decimal(1)
    answer = entitlements(organization=organization, meters=[meter], quantity=quantity, now=now)[0]
    return Trial(fact=fact, place=place, entitlement=answer)
