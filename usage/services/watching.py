"""Telling when included usage is running out, and when a meter is refused or allowed again."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from django.db import transaction

from accounts.models import Organization
from credits.quantities import as_text
from notifications.services import publish
from plans.models import Meter
from plans.services.companions import adjust_on_demand
from usage.engine.entitlement import Decision
from usage.models import MeterState
from usage.presentation import email_words
from usage.services.standing import MeterStanding, meter_standings

THRESHOLDS = (50, 75, 90, 100)
AT_ONCE = 500


def watch(*, now: datetime, organization_ids: Sequence[int] | None = None) -> int:
    """Look at every meter where something happened, and tell what has to be told; returns how many were looked at."""
    seen = 0
    while batch := _waiting(now, organization_ids):
        for organization in Organization.objects.filter(pk__in=batch):
            with transaction.atomic():
                seen += _watch_organization(organization, now)
    return seen


def _waiting(now: datetime, organization_ids: Sequence[int] | None) -> list[int]:
    states = MeterState.objects.filter(watch_at__lte=now)
    if organization_ids is not None:
        states = states.filter(organization_id__in=organization_ids)
    return list(states.order_by("organization_id").values_list("organization_id", flat=True).distinct()[:AT_ONCE])


def _watch_organization(organization: Organization, now: datetime) -> int:
    states = list(
        MeterState.objects.select_for_update(of=("self",), no_key=True)
        .filter(organization=organization, watch_at__lte=now)
        .select_related("meter")
        .order_by("meter_id")
    )
    standings = meter_standings(organization=organization, meters=[state.meter for state in states], at=now)
    for state, standing in zip(states, standings, strict=True):
        _announce_thresholds(standing, now)
        _follow_commitment(standing, now)
        _follow_refusal(state, standing, now)
    MeterState.objects.bulk_update(states, ["watch_at", "blocked", "blocked_since"])
    return len(states)


def _announce_thresholds(standing: MeterStanding, now: datetime) -> None:
    """`usage.threshold`, once per threshold and window; of several passed at once each is told."""
    included = standing.meter_terms.included if standing.meter_terms else None
    if not included:
        return
    percent = standing.standing.used * 100 / included
    for threshold in THRESHOLDS:
        if percent < threshold:
            return
        publish(
            type="usage.threshold",
            organization=standing.organization,
            key=f"{standing.organization.pk}:{standing.meter.code}:{standing.window.start.isoformat()}:{threshold}",
            data={
                "meter": standing.meter.code,
                "percent": threshold,
                "used": as_text(standing.standing.used),
                "included": as_text(included),
                "window_start": standing.window.start.isoformat(),
                "window_end": standing.window.end.isoformat(),
            },
            email_context=email_words(standing, standing.decide(Decimal(1))),
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
