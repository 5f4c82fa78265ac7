"""The terms in force for an organization: the one question that usage asks of this app.

Asked thousands of times a second, so one indexed query per call and no more: it brings the organization's few periods
and overrides and the number of the newest plan revision. What revisions say never changes and is kept in the process,
and what was worked out for the same answer of that query is kept too.
"""

import functools
import json
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import TypedDict

from accounts.models import Organization
from core.prepared_statements import prepared_cursor
from plans.engine import price_ladders
from plans.engine.price_ladders import LadderJson
from plans.engine.terms import Override, Period, PlanTerms, Terms, Timeline
from plans.models import PlanRevision
from plans.services.plan_revisions import revisions_by_plan

# A window is at most a month long: what ended before that cannot touch it.
LOOK_BACK = timedelta(days=62)
REMEMBERED_SPANS = 8

TERMS_SQL = """
SELECT org.id,
       (SELECT max(id) FROM plans_planrevision),
       (SELECT id FROM plans_plan WHERE is_default),
       (SELECT json_agg(period ORDER BY period.starts_at)::text
          FROM (SELECT plan_id, starts_at, ends_at, window_anchor, stretch_start, "interval", bought, companion_paid
                  FROM plans_termsperiod
                 WHERE organization_id = org.id AND (ends_at IS NULL OR ends_at > %(since)s)) period),
       (SELECT json_agg(own ORDER BY own.starts_at)::text
          FROM (SELECT meter.code AS meter, override.unit_id AS unit, override.ladder, override.starts_at,
          override.ends_at FROM plans_ladderoverride override JOIN plans_meter meter ON meter.id = override.meter_id
          WHERE override.organization_id = org.id AND (override.ends_at IS NULL OR override.ends_at > %(since)s)) own)
  FROM {organizations} AS org (id)
"""
# Of an array's length a prepared statement knows nothing: it would be planned anew each time for one.
TERMS_OF_ONE_SQL = TERMS_SQL.format(organizations="(VALUES (%(organization)s::bigint))")
TERMS_OF_MANY_SQL = TERMS_SQL.format(organizations="unnest(%(organizations)s::bigint[])")


class PeriodRow(TypedDict):
    """A `TermsPeriod` as the query's JSON has it; moments in ISO 8601."""

    plan_id: int
    starts_at: str
    ends_at: str | None
    window_anchor: str
    stretch_start: str
    interval: str
    bought: int | None
    companion_paid: bool


class OverrideRow(TypedDict):
    """A `LadderOverride` as the query's JSON has it."""

    meter: str
    unit: str | None
    ladder: LadderJson
    starts_at: str
    ends_at: str | None


def terms_for(*, organization: Organization, at: datetime) -> Terms:
    """What holds for the organization at that instant. Without any plan the terms have no meters."""
    return terms_for_many(organization_ids=[organization.pk], at=at)[organization.pk]


def terms_for_many(*, organization_ids: Iterable[int], at: datetime) -> dict[int, Terms]:
    """The same for many organizations, in one query."""
    return {
        pk: remembered.terms_at(at)
        for pk, remembered in _load_timelines(organization_ids, since=at - LOOK_BACK).items()
    }


def timelines_for(*, organization_ids: Iterable[int], since: datetime) -> dict[int, "RememberedTimeline"]:
    """For asking about many instants from `since` on, as a settlement does: one query, then
    `timeline.terms_at(moment)`.
    """
    return _load_timelines(organization_ids, since=since - LOOK_BACK)


def _load_timelines(organization_ids: Iterable[int], *, since: datetime) -> dict[int, "RememberedTimeline"]:
    ids = list(organization_ids)
    with prepared_cursor() as cursor:
        if len(ids) == 1:
            cursor.execute(TERMS_OF_ONE_SQL, {"organization": ids[0], "since": since})
        else:
            cursor.execute(TERMS_OF_MANY_SQL, {"organizations": ids, "since": since})
        return {
            pk: _timeline(version, default_plan_id, periods or "[]", overrides or "[]")
            for pk, version, default_plan_id, periods, overrides in cursor.fetchall()
        }


class RememberedTimeline:
    """A timeline that remembers the spans it was asked about last."""

    def __init__(self, timeline: Timeline) -> None:
        self._timeline = timeline
        self._recent: list[Terms] = []

    def terms_at(self, moment: datetime) -> Terms:
        for terms in self._recent:
            if terms.segment.start <= moment < terms.segment.end:
                return terms
        terms = self._timeline.terms_at(moment)
        self._recent = [terms, *self._recent[: REMEMBERED_SPANS - 1]]
        return terms


@functools.lru_cache(maxsize=10_000)
def _timeline(version: int | None, default_plan_id: int | None, periods: str, overrides: str) -> RememberedTimeline:
    revisions = _revisions(version)
    return RememberedTimeline(
        Timeline(
            periods=[_period(row) for row in json.loads(periods)],
            overrides=[_override(row) for row in json.loads(overrides)],
            default_plan_id=default_plan_id,
            revisions_of=lambda plan_id: revisions.get(plan_id, []),
        )
    )


@functools.lru_cache(maxsize=4)
def _revisions(version: int | None) -> dict[int, list[PlanTerms]]:
    """Every revision up to the newest one, by plan. The number of the newest is the key: nothing here is ever stale."""
    if version is None:
        return {}
    return revisions_by_plan(PlanRevision.objects.filter(id__lte=version).order_by("effective_at", "id"))


def _period(row: PeriodRow) -> Period:
    return Period(
        plan_id=row["plan_id"],
        starts_at=datetime.fromisoformat(row["starts_at"]),
        ends_at=_moment(row["ends_at"]),
        anchor=datetime.fromisoformat(row["window_anchor"]),
        stretch_start=datetime.fromisoformat(row["stretch_start"]),
        interval=row["interval"],
        bought=row["bought"],
        companion_paid=row["companion_paid"],
    )


def _override(row: OverrideRow) -> Override:
    return Override(
        meter=row["meter"],
        unit=row["unit"],
        ladder=price_ladders.parse(row["ladder"]),
        starts_at=datetime.fromisoformat(row["starts_at"]),
        ends_at=_moment(row["ends_at"]),
    )


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
