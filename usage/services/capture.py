"""Capture, after the job: the hold becomes an event, which is paid at once with what was set aside."""

from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from django.db import transaction

from core.background import after_commit
from core.errors import InvalidInput
from core.quantities import ZERO, parse_quantity
from credits.errors import HoldEnded
from credits.services.wallets import lock_wallets
from usage.engine.billable import why_not_billable
from usage.engine.event_validation import EventMeter, ValidEvent
from usage.models import MeterState, Settlement, UsageEvent, UsageHold
from usage.services import meter_states
from usage.services.capture_payment import CapturePayment
from usage.services.ingest import store_events
from usage.services.segments import EventSegment
from usage.services.settlement import settle


class _SegmentSettlement(NamedTuple):
    """The settlement of the hold's segment, before the job was counted or after it was paid."""

    overage: Decimal = ZERO
    from_credits: Decimal = ZERO
    unpaid: Decimal = ZERO


def capture_usage_hold(
    *,
    hold: UsageHold,
    quantity: object | None = None,
    status: str = "success",
    duration_ms: int | None = None,
    now: datetime,
) -> UsageHold:
    """Charge what the job used: what was held, or `quantity`, which may be less, more or zero.

    A job whose status or duration is not billable charges nothing. Never fails for lack of credits: what neither the
    hold nor the wallet can pay becomes debt. The event belongs to the window in which the hold was opened. The same
    capture again is harmless. Raises InvalidInput, HoldEnded.
    """
    used = hold.quantity if quantity is None else parse_quantity(quantity)
    if used < 0:
        raise InvalidInput("quantity must not be negative.", field="quantity")
    with transaction.atomic():
        meter_states.lock_and_mark_due({(hold.organization_id, hold.meter_id): hold.created_at}, now=now)
        hold.refresh_from_db()
        if hold.status_at(now) != UsageHold.Status.OPEN:
            return _repeated(hold, used, status, duration_ms, now)
        lock_wallets(organization_ids=[hold.organization_id])
        state = _settled_so_far(hold, now)
        before = _segment_settlement(hold)
        event = _store(_event(hold, used, status, duration_ms), hold, now)
        hold.status = UsageHold.Status.CAPTURED
        credit_holds = {h.wallet.unit_id: h for h in hold.credit_holds.select_related("wallet").order_by("pk")}
        payment = CapturePayment(hold, credit_holds, unpaid_before=before.unpaid)
        settle([state], now=now, capture=payment)
        payment.release_unused(now=now)
        _save_capture(hold, event, payment, before, now)
        after_commit("usage.tasks.check_meters")
        return hold


def _repeated(hold: UsageHold, used: Decimal, status: str, duration_ms: int | None, now: datetime) -> UsageHold:
    if hold.status == UsageHold.Status.CAPTURED:
        event = UsageEvent.objects.get(organization_id=hold.organization_id, event_id=hold.event_id)
        if (event.quantity, event.status, event.duration_ms) == (used, status, duration_ms):
            return hold
    raise HoldEnded(hold=hold.public_id, status=hold.status_at(now))


def _settled_so_far(hold: UsageHold, now: datetime) -> MeterState:
    """Settle what came before, without the hold: whatever the next settlement changes is then due to this job."""
    states = MeterState.objects.select_related("meter").prefetch_related("meter__credit_rates")
    state = states.get(organization_id=hold.organization_id, meter_id=hold.meter_id)
    settle([state], now=now)
    state.settle_from = hold.window_start  # for the settlement that pays for the job
    return state


def _event(hold: UsageHold, used: Decimal, status: str, duration_ms: int | None) -> ValidEvent:
    meter = hold.meter
    # A capture reports the outcome and the duration of a job; the rule's other conditions are for reported events.
    rule = replace(meter.rule, max_latency_ms=None, property_bounds=())
    not_billable = why_not_billable(rule, status=status, duration_ms=duration_ms, properties={})
    return ValidEvent(
        organization_id=hold.organization_id,
        event_id=hold.public_id,
        meter=EventMeter(meter.pk, meter.code, meter.aggregation, rule),
        event_at=hold.created_at,
        is_timed=True,
        quantity=used,
        status=status,
        duration_ms=duration_ms,
        subject="",
        properties="{}",
        not_billable=not_billable,
        counted=ZERO if not_billable else used,
    )


def _store(event: ValidEvent, hold: UsageHold, now: datetime) -> ValidEvent:
    """Under the hold's id, or, where an event was reported under that, under the next one that is free: if it passed
    for that event, the job would go unpaid.
    """
    segment = EventSegment(hold.window_start, hold.segment_start, hold.expires_at)
    number = 1
    while not store_events([event], [segment], now=now):
        number += 1
        event = event._replace(event_id=f"{hold.public_id}:{number}")
    return event


def _segment_settlement(hold: UsageHold) -> _SegmentSettlement:
    row = Settlement.objects.filter(
        organization_id=hold.organization_id,
        meter_id=hold.meter_id,
        window_start=hold.window_start,
        segment_start=hold.segment_start,
    ).first()
    return _SegmentSettlement(row.overage, row.from_credits, row.unpaid) if row else _SegmentSettlement()


def _save_capture(
    hold: UsageHold, event: ValidEvent, payment: CapturePayment, before: _SegmentSettlement, now: datetime
) -> None:
    after = _segment_settlement(hold)
    hold.captured = event.counted
    hold.captured_from_allowance = max(event.counted - (after.overage - before.overage), ZERO)
    hold.captured_from_credits = max(after.from_credits - before.from_credits, ZERO)
    hold.debt = payment.debt
    hold.event_id = event.event_id
    hold.ended_at = now
    hold.save()
