"""Checks meters, and announces when included usage is running out, a meter is blocked, or it is allowed again.

Whether a meter is blocked is decided in `engine/entitlement.py`. Credits that run low are told of by
`credits/low_balance_alerts.py`.
"""

import logging
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from django.db import transaction

from accounts.models import Organization
from core.quantities import as_text
from notifications.services import publish, published
from plans.models import Meter
from plans.services.companion_subscription import adjust_on_demand
from usage.engine.entitlement import Decision
from usage.models import MeterState
from usage.presentation import email_words
from usage.services import meter_states
from usage.services.meter_snapshots import MeterSnapshot, meter_snapshots

logger = logging.getLogger(__name__)

THRESHOLDS = (50, 75, 90, 100)
ORGANIZATIONS_AT_ONCE = 200


def check_meters(*, now: datetime, organization_ids: Sequence[int] | None = None) -> int:
    """Check every meter that is due, and announce what has to be; returns how many were checked.

    Where that fails for one organization, those of the others are checked all the same, and its own stay due.
    """
    waiting, checked = _waiting(now, organization_ids), 0
    for start in range(0, len(waiting), ORGANIZATIONS_AT_ONCE):
        batch = waiting[start : start + ORGANIZATIONS_AT_ONCE]
        try:
            checked += _check(batch, now)
        except Exception:
            logger.warning("A batch of meters could not be checked; its organizations come one by one", exc_info=True)
            checked += sum(_check_one(organization_id, now) for organization_id in batch)
    return checked


def _waiting(now: datetime, organization_ids: Sequence[int] | None) -> list[int]:
    states = MeterState.objects.filter(check_at__lte=now)
    if organization_ids is not None:
        states = states.filter(organization_id__in=organization_ids)
    return list(states.order_by("organization_id").values_list("organization_id", flat=True).distinct())


def _check_one(organization_id: int, now: datetime) -> int:
    try:
        return _check([organization_id], now)
    except Exception:
        logger.exception("The meters of organization %s cannot be checked", organization_id)
        return 0


@transaction.atomic
def _check(organization_ids: Sequence[int], now: datetime) -> int:
    states = meter_states.lock_due_to_check(organization_ids, now=now)
    organizations = Organization.objects.in_bulk(organization_ids)
    meters = Meter.objects.in_bulk({state.meter_id for state in states})
    snapshots = meter_snapshots(
        [(organizations[state.organization_id], meters[state.meter_id]) for state in states], at=now
    )
    _announce_thresholds(snapshots, now)
    for state, snapshot in zip(states, snapshots, strict=True):
        if snapshot.meter_terms and snapshot.meter_terms.commitment:
            adjust_on_demand(organization=snapshot.organization, used=snapshot.use.used, now=now)
        _update_blocked(state, snapshot, now)
    meter_states.mark_checked(states)
    return len(states)


def _announce_thresholds(snapshots: Sequence[MeterSnapshot], now: datetime) -> None:
    """`usage.threshold`, once per threshold and window. When several are passed at once, webhooks announce each of them
    and the email only the highest.
    """
    passed = [_key(snapshot, threshold) for snapshot in snapshots for threshold in _passed(snapshot)]
    known = published(type="usage.threshold", keys=passed) if passed else set()
    for snapshot in snapshots:
        new = [threshold for threshold in _passed(snapshot) if _key(snapshot, threshold) not in known]
        for threshold in new:
            _announce_threshold(snapshot, threshold, now, is_emailed=threshold == new[-1])


def _passed(snapshot: MeterSnapshot) -> list[int]:
    included = snapshot.meter_terms.included if snapshot.meter_terms else None
    if not included:
        return []
    return [threshold for threshold in THRESHOLDS if snapshot.use.used * 100 >= threshold * included]


def _key(snapshot: MeterSnapshot, threshold: int) -> str:
    return f"{snapshot.organization.pk}:{snapshot.meter.code}:{snapshot.window.start.isoformat()}:{threshold}"


def _announce_threshold(snapshot: MeterSnapshot, threshold: int, now: datetime, *, is_emailed: bool) -> None:
    assert snapshot.meter_terms and snapshot.meter_terms.included  # else no threshold is passed
    publish(
        type="usage.threshold",
        organization=snapshot.organization,
        key=_key(snapshot, threshold),
        data={
            "meter": snapshot.meter.code,
            "percent": threshold,
            "used": as_text(snapshot.use.used),
            "included": as_text(snapshot.meter_terms.included),
            "window_start": snapshot.window.start.isoformat(),
            "window_end": snapshot.window.end.isoformat(),
        },
        email_context=email_words(snapshot, snapshot.decide(Decimal(1))),
        is_emailed=is_emailed,
        now=now,
    )


def _update_blocked(state: MeterState, snapshot: MeterSnapshot, now: datetime) -> None:
    """`entitlement.blocked` when one more is refused, `entitlement.restored` when it is allowed again."""
    decision = snapshot.decide(Decimal(1))
    if decision.blocked and not state.blocked:
        state.blocked_since = now
        _announce("entitlement.blocked", state, snapshot, decision, now)
    elif state.blocked and not decision.blocked:
        _announce("entitlement.restored", state, snapshot, decision, now)
        state.blocked_since = None
    state.blocked = decision.blocked
    # A new window allows again what this one refuses, without anybody doing anything.
    state.check_at = snapshot.window.end if decision.blocked else None


def _announce(type: str, state: MeterState, snapshot: MeterSnapshot, decision: Decision, now: datetime) -> None:
    assert state.blocked_since is not None
    publish(
        type=type,
        organization=snapshot.organization,
        key=f"{snapshot.organization.pk}:{snapshot.meter.code}:{state.blocked_since.isoformat()}",
        data={
            "meter": snapshot.meter.code,
            "code": state.blocked or decision.code,
            "window_end": snapshot.window.end.isoformat(),
        },
        email_context=email_words(snapshot, decision),
        now=now,
    )
