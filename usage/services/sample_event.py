"""Trying a sample event: what would become of it, without storing anything."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from accounts.models import Organization
from plans.models import Meter
from plans.terms_in_force import timelines_for
from usage.engine.event_validation import ValidEvent, validate_event
from usage.errors import EventRejected
from usage.services.entitlements import Entitlement, EntitlementAnswer, entitlements
from usage.services.ingest import event_meters
from usage.services.segments import EventSegment, SegmentFinder


@dataclass(frozen=True, slots=True)
class SampleResult:
    """Either `rejected` with its reason, or the event, where it would count, and whether as much is allowed now."""

    rejected: EventRejected | None = None
    event: ValidEvent | None = None
    segment: EventSegment | None = None
    entitlement: Entitlement | None = None

    @property
    def adds(self) -> Decimal:
        return self.event.counted if self.event else Decimal(0)

    @property
    def answer(self) -> EntitlementAnswer | None:
        return self.entitlement.as_json() if self.entitlement else None


def try_event(*, organization: Organization, meter: Meter, event: Mapping[str, Any], now: datetime) -> SampleResult:
    """Validate the event as ingest would, find its segment, and ask the entitlement for as much."""
    stated = {"id": "sample", **event, "organization": organization.public_id, "meter": meter.code}
    within_reach = {organization.public_id: organization.pk}
    try:
        valid = validate_event(stated, organizations=within_reach, meters=event_meters(), now=now)
    except EventRejected as rejected:
        return SampleResult(rejected=rejected)
    timelines = timelines_for(organization_ids=[organization.pk], since=valid.event_at)
    segment = SegmentFinder(timelines).segment_of(organization.pk, meter.code, valid.event_at)
    quantity = valid.counted if meter.aggregation == Meter.Aggregation.SUM and valid.counted else Decimal(1)
    answer = entitlements(organization=organization, meters=[meter], quantity=quantity, now=now)[0]
    return SampleResult(event=valid, segment=segment, entitlement=answer)
