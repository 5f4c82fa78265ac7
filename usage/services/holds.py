"""Setting usage aside before a job: what is included first, then credits, then what may be billed."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db import transaction

from accounts.models import Organization
from core.errors import NotFound
from core.public_ids import new_public_id
from core.quantities import as_text, parse_positive_quantity
from credits.errors import HoldEnded, ReferenceConflict
from credits.models import CreditHold
from credits.references import parse_name
from credits.services import holds as credit_holds
from credits.services.wallets import lock_wallets
from notifications.services import publish
from plans.models import Meter
from usage.engine.entitlement import Decision
from usage.errors import HoldRefused, MeterNotHoldable
from usage.models import MeterState, UsageHold
from usage.services import meter_states
from usage.services.entitlements import message_of
from usage.services.meter_snapshots import MeterSnapshot, meter_snapshot
from usage.services.segments import segment_at
from usage.services.settlement import settle


@dataclass(frozen=True, slots=True)
class HoldRequest:
    """A hold as it was asked for, checked."""

    organization: Organization
    meter: Meter
    quantity: Decimal
    reference: str
    expires_at: datetime


def open_usage_hold(
    *,
    organization: Organization,
    meter: Meter,
    quantity: object,
    reference: str,
    expires_at: datetime | None = None,
    now: datetime,
) -> UsageHold:
    """Reserve so much of a `sum` or `count` meter until the deadline, one hour from now by default, 7 days at most.

    The organization's same reference returns the first hold. Raises InvalidInput, MeterNotHoldable, HoldRefused,
    ReferenceConflict.
    """
    asked = HoldRequest(
        organization,
        meter,
        parse_positive_quantity(quantity),
        parse_name(reference),
        credit_holds.parse_deadline(expires_at, now=now),
    )
    if not meter.can_be_held:
        raise MeterNotHoldable(meter)
    with transaction.atomic():
        state = meter_states.locked_state(organization=organization, meter_id=meter.pk)
        if earlier := UsageHold.objects.of(organization).filter(reference=asked.reference).first():
            return _same(earlier, asked)
        _settle_what_waits(state, now)
        snapshot = meter_snapshot(organization=organization, meter=meter, at=now)
        decision = snapshot.decide(asked.quantity)
        if not decision.allowed:
            raise HoldRefused(
                snapshot=snapshot, decision=decision, quantity=asked.quantity, message=message_of(snapshot, decision)
            )
        return _open(asked, snapshot, decision, now)


def release_usage_hold(*, hold: UsageHold, now: datetime) -> UsageHold:
    """Give everything back. The same release again is harmless. Raises HoldEnded."""
    with transaction.atomic():
        meter_states.lock([(hold.organization_id, hold.meter_id)])
        hold.refresh_from_db()
        if hold.status_at(now) == UsageHold.Status.RELEASED:
            return hold
        if hold.status_at(now) != UsageHold.Status.OPEN:
            raise HoldEnded(hold=hold.public_id, status=hold.status_at(now))
        for credit_hold in hold.credit_holds.order_by("wallet_id"):
            credit_holds.release_hold(hold=credit_hold, now=now)
        return _end(hold, UsageHold.Status.RELEASED, now)


def sweep_holds(*, now: datetime) -> list[UsageHold | CreditHold]:
    """Post every hold whose deadline has passed; they have counted as released since. `hold.expired`, once for each."""
    expired: list[UsageHold | CreditHold] = []
    for hold in UsageHold.objects.overdue(at=now).select_related("organization", "meter").order_by("expires_at", "pk"):
        with transaction.atomic():
            meter_states.lock([(hold.organization_id, hold.meter_id)])
            hold.refresh_from_db()
            if hold.status != UsageHold.Status.OPEN:
                continue
            _end(hold, UsageHold.Status.EXPIRED, hold.expires_at)
            announce_expired(hold=hold, now=now)
            expired.append(hold)
    expired += [hold for hold in credit_holds.sweep_holds(now=now) if not hold.usage_holds.exists()]
    return expired


def announce_expired(*, hold: UsageHold | CreditHold, now: datetime) -> None:
    """`hold.expired`. A credit hold that belongs to a usage hold is announced with that one."""
    if isinstance(hold, UsageHold):
        of: dict[str, str | None] = {"meter": hold.meter.code, "unit": None, "quantity": as_text(hold.quantity)}
    elif hold.usage_holds.exists():
        return
    else:
        of = {"meter": None, "unit": hold.wallet.unit_id, "quantity": as_text(hold.amount)}
    publish(
        type="hold.expired",
        organization=hold.organization,
        key=hold.public_id,
        data={"hold": hold.public_id, "reference": hold.reference, "expires_at": hold.expires_at.isoformat()} | of,
        now=now,
    )


def get_usage_hold(*, organization: Organization | None, public_id: str) -> UsageHold:
    """A hold of this organization (any organization's for None). Raises NotFound, also for somebody else's."""
    holds = UsageHold.objects.all() if organization is None else UsageHold.objects.of(organization)
    hold = holds.select_related("organization", "meter").filter(public_id=public_id).first()
    if hold is None:
        raise NotFound(f"There is no hold {public_id}.")
    return hold


def _same(earlier: UsageHold, asked: HoldRequest) -> UsageHold:
    if (earlier.meter_id, earlier.quantity) != (asked.meter.pk, asked.quantity):
        raise ReferenceConflict(asked.reference)
    return earlier


def _settle_what_waits(state: MeterState, now: datetime) -> None:
    """What was used is paid before anything is set aside, so that the decision sees what is really left."""
    if state.settle_at is not None and state.settle_at <= now:
        lock_wallets(organization_ids=[state.organization_id])
        settle([state], now=now)


def _open(asked: HoldRequest, snapshot: MeterSnapshot, decision: Decision, now: datetime) -> UsageHold:
    terms = snapshot.terms
    public_id = new_public_id("hold")
    drawn = [draw for draw in decision.draws if draw.credits]
    if len(drawn) > 1:
        lock_wallets(organization_ids=[asked.organization.pk])
    held = [
        credit_holds.open_hold(
            organization=asked.organization,
            unit=draw.unit,
            amount=draw.credits,
            reference=f"usage:{public_id}:{draw.unit}",
            expires_at=asked.expires_at,
            now=now,
        )
        for draw in drawn
    ]
    hold = UsageHold.objects.create(
        public_id=public_id,
        organization=asked.organization,
        meter=asked.meter,
        quantity=asked.quantity,
        from_allowance=asked.quantity - sum((draw.quantity for draw in decision.draws), decision.to_bill),
        from_credits=sum((draw.quantity for draw in decision.draws), Decimal(0)),
        to_bill=decision.to_bill,
        window_start=terms.window.start,
        segment_start=segment_at(terms, asked.meter.code, now).start,
        reference=asked.reference,
        expires_at=asked.expires_at,
        created_at=now,
    )
    if held:
        hold.credit_holds.set(held)
    return hold


def _end(hold: UsageHold, status: str, at: datetime) -> UsageHold:
    hold.status, hold.ended_at = status, at
    hold.save(update_fields=["status", "ended_at"])
    return hold
