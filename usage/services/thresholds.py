"""Telling when included usage is running out, and when a meter is refused or allowed again."""

import logging
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from django.db import transaction

from accounts.models import Organization
from core.locks import for_update
from core.quantities import as_text
from notifications.services import publish, published
from plans.models import Meter
from plans.services.companion import adjust_on_demand
from usage.engine.entitlement import Decision
from usage.models import MeterState
from usage.presentation import email_words
from usage.services.meter_states import watched
from usage.services.meter_status import MeterStanding, standings_of

logger = logging.getLogger(__name__)

THRESHOLDS = (50, 75, 90, 100)
ORGANIZATIONS_AT_ONCE = 200


def watch(*, now: datetime, organization_ids: Sequence[int] | None = None) -> int:
    """Look at every meter where something happened, and tell what has to be told; returns how many were looked at.

    Where that fails for one organization, the others are told all the same, and its own meters stay to be looked at.
    """
    waiting, seen = _waiting(now, organization_ids), 0
    for start in range(0, len(waiting), ORGANIZATIONS_AT_ONCE):
        batch = waiting[start : start + ORGANIZATIONS_AT_ONCE]
        try:
            seen += _watch(batch, now)
        except Exception:
            logger.warning("A batch of meters could not be watched; its organizations come one by one", exc_info=True)
            seen += sum(_watch_one(organization_id, now) for organization_id in batch)
    return seen


def _waiting(now: datetime, organization_ids: Sequence[int] | None) -> list[int]:
    states = MeterState.objects.filter(watch_at__lte=now)
    if organization_ids is not None:
        states = states.filter(organization_id__in=organization_ids)
    return list(states.order_by("organization_id").values_list("organization_id", flat=True).distinct())


def _watch_one(organization_id: int, now: datetime) -> int:
    try:
        return _watch([organization_id], now)
    except Exception:
        logger.exception("The meters of organization %s cannot be watched", organization_id)
        return 0


@transaction.atomic
def _watch(organization_ids: Sequence[int], now: datetime) -> int:
    states = list(
        for_update(
            MeterState.objects.filter(organization__in=organization_ids, watch_at__lte=now), no_key=True, of=("self",)
        )
    )
    organizations = Organization.objects.in_bulk(organization_ids)
    meters = Meter.objects.in_bulk({state.meter_id for state in states})
    standings = standings_of(
        [(organizations[state.organization_id], meters[state.meter_id]) for state in states], at=now
    )
    _announce_thresholds(standings, now)
    for state, standing in zip(states, standings, strict=True):
        _follow_commitment(standing, now)
        _follow_refusal(state, standing, now)
    watched(states)
    return len(states)


def _announce_thresholds(standings: Sequence[MeterStanding], now: datetime) -> None:
    """`usage.threshold`, once per threshold and window. Of several passed at once programs are told each, and people
    the highest.
    """
    passed = [_key(standing, threshold) for standing in standings for threshold in _passed(standing)]
    told = published(type="usage.threshold", keys=passed) if passed else set()
    for standing in standings:
        new = [threshold for threshold in _passed(standing) if _key(standing, threshold) not in told]
        for threshold in new:
            _announce_threshold(standing, threshold, now, is_emailed=threshold == new[-1])


def _passed(standing: MeterStanding) -> list[int]:
    included = standing.meter_terms.included if standing.meter_terms else None
    if not included:
        return []
    return [threshold for threshold in THRESHOLDS if standing.standing.used * 100 >= threshold * included]


def _key(standing: MeterStanding, threshold: int) -> str:
    return f"{standing.organization.pk}:{standing.meter.code}:{standing.window.start.isoformat()}:{threshold}"


def _announce_threshold(standing: MeterStanding, threshold: int, now: datetime, *, is_emailed: bool) -> None:
    assert standing.meter_terms and standing.meter_terms.included  # of nothing there is no part
    publish(
        type="usage.threshold",
        organization=standing.organization,
        key=_key(standing, threshold),
        data={
            "meter": standing.meter.code,
            "percent": threshold,
            "used": as_text(standing.standing.used),
            "included": as_text(standing.meter_terms.included),
            "window_start": standing.window.start.isoformat(),
            "window_end": standing.window.end.isoformat(),
        },
        email_context=email_words(standing, standing.decide(Decimal(1))),
        is_emailed=is_emailed,
        now=now,
    )


def _follow_commitment(standing: MeterStanding, now: datetime) -> None:
    if standing.meter_terms and standing.meter_terms.commitment:
        adjust_on_demand(organization=standing.organization, used=standing.standing.used, now=now)


def _follow_refusal(state: MeterState, standing: MeterStanding, now: datetime) -> None:
    """`entitlement.blocked` when one more is refused, `entitlement.restored` when it is allowed again.

    Open holds come and go by the second: that all are taken is nothing to tell anybody.
    """
    decision = standing.decide(Decimal(1))
    code = "" if decision.allowed or decision.code in ("concurrency_reached", "no_plan_for_meter") else decision.code
    if code and not state.blocked:
        state.blocked_since = now
        _announce("entitlement.blocked", state, standing, decision, now)
    elif state.blocked and not code:
        _announce("entitlement.restored", state, standing, decision, now)
        state.blocked_since = None
    state.blocked = code
    # A new window allows again what this one refuses, without anybody doing anything.
    state.watch_at = standing.window.end if code else None


def _announce(type: str, state: MeterState, standing: MeterStanding, decision: Decision, now: datetime) -> None:
    assert state.blocked_since is not None
    publish(
        type=type,
        organization=standing.organization,
        key=f"{standing.organization.pk}:{standing.meter.code}:{state.blocked_since.isoformat()}",
        data={
            "meter": standing.meter.code,
            "code": state.blocked or decision.code,
            "window_end": standing.window.end.isoformat(),
        },
        email_context=email_words(standing, decision),
        now=now,
    )


def watch_all_meters(*, organization: Organization, now: datetime) -> None:
    """Something changed that concerns every meter of the organization: look at all of them soon."""
    MeterState.objects.filter(organization=organization, meter__in=Meter.objects.in_use()).update(watch_at=now)
