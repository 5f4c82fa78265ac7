"""Taking events in: the path that has to be fast, and never counts anything twice."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import DataError, transaction

from accounts.models import Organization
from core import sql_arrays
from core.background import after_commit
from core.prepared_statements import prepared_cursor
from plans.models import Meter
from plans.terms import timelines_for
from usage.engine.event_validation import Fact, Measured, Refused, read_fact
from usage.services import counters, meter_states
from usage.services.segments import Place, Places

ORGANIZATIONS_SQL = """
SELECT organization.public_id, organization.id
  FROM unnest(%s::text[]) AS named (id) JOIN accounts_organization organization ON organization.public_id = named.id
"""

FACT = """unnest(%(organizations)s::bigint[], %(ids)s::text[], %(meters)s::bigint[], %(ats)s::timestamptz[],
              %(quantities)s::numeric[], %(statuses)s::text[], %(durations)s::bigint[], %(subjects)s::text[],
              %(properties)s::jsonb[]"""
INSERT_SQL = f"""
INSERT INTO usage_usageevent
    (organization_id, event_id, meter_id, event_at, quantity, status, duration_ms, subject, properties, billable,
     not_billable, counted, window_start, segment_start, void_reason, created_at)
SELECT organization, id, meter, at, quantity, status, duration, subject, properties, not_billable = '', not_billable,
       counted, window_start, segment_start, '', %(now)s
  FROM {FACT}, %(not_billables)s::text[], %(counteds)s::numeric[], %(windows)s::timestamptz[],
              %(segments)s::timestamptz[])
       AS fact (organization, id, meter, at, quantity, status, duration, subject, properties, not_billable, counted,
                window_start, segment_start)
    ON CONFLICT (organization_id, event_id) DO NOTHING
RETURNING organization_id, event_id
"""  # noqa: S608  our own text

# An event sent without a time (null here) is the same whatever time we gave it at first.
DIFFERENT_SQL = f"""
SELECT fact.place
  FROM {FACT}) WITH ORDINALITY
       AS fact (organization, id, meter, at, quantity, status, duration, subject, properties, place)
  JOIN usage_usageevent event ON event.organization_id = fact.organization AND event.event_id = fact.id
 WHERE (event.meter_id, event.quantity, event.status, event.subject, event.properties)
       <> (fact.meter, fact.quantity, fact.status, fact.subject, fact.properties)
    OR event.duration_ms IS DISTINCT FROM fact.duration OR event.event_at <> fact.at
"""  # noqa: S608  our own text

EventKey = tuple[int, str]
"""Organization, and the product's own id."""

Found = Sequence[tuple[int, Fact]]
"""Events that can be taken, each with its place in the batch."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """An event that was not taken, by its place in the batch; `code` is one of the API's reject codes."""

    index: int
    id: str | None
    code: str
    message: str


@dataclass(slots=True)
class Taken:
    """What became of a batch. Every event is accepted, a duplicate, or rejected."""

    accepted: int = 0
    duplicates: int = 0
    rejected: list[Rejected] = field(default_factory=list)


def ingest(*, events: Sequence[Any], organization: Organization | None = None, now: datetime) -> Taken:
    """Take events in, as JSON gave them. `organization` is the only one within reach of the caller; None: all are.

    One bad event never rejects its neighbours: each that is not taken is named in the answer, with the reason. Taking
    the same event in again is harmless, for ever.
    """
    taken = Taken()
    found = _read(events, organization, taken, now)
    if found:
        try:
            with transaction.atomic():
                _store(found, taken, now)
        except DataError:
            _store_one_by_one(found, taken, now)
    taken.rejected.sort(key=lambda rejected: rejected.index)
    return taken


def measured() -> dict[str, Measured]:
    """The meters in use, by code."""
    return {
        meter.code: Measured(meter.pk, meter.code, meter.aggregation, meter.rule) for meter in Meter.objects.in_use()
    }


def write_facts(facts: Sequence[Fact], places: Sequence[Place], *, now: datetime) -> set[EventKey]:
    """Insert events where they count, and count those that are new. Returns the new ones.

    Their states are locked, and they come in the order of their keys, so that no two batches wait for each other.
    """
    with prepared_cursor() as cursor:
        cursor.execute(
            INSERT_SQL,
            {
                **_columns(facts),
                "not_billables": sql_arrays.texts(fact.not_billable for fact in facts),
                "counteds": sql_arrays.numbers(fact.counted for fact in facts),
                "windows": sql_arrays.repeated([place.window_start for place in places]),
                "segments": sql_arrays.repeated([place.segment_start for place in places]),
                "now": now,
            },
        )
        new: set[EventKey] = set(cursor.fetchall())
    counters.count([as_counted(fact, place) for fact, place in zip(facts, places, strict=True) if fact[:2] in new])
    return new


def _columns(facts: Iterable[Fact], *, given: bool = False) -> dict[str, str]:
    """What events say, as `FACT` takes it; with `given` without the times that they left to us."""
    organizations, ids, meters, ats, timed, quantities, statuses, durations, subjects, properties, _, _ = zip(
        *facts, strict=True
    )
    return {
        "organizations": sql_arrays.numbers(organizations),
        "ids": sql_arrays.texts(ids),
        "meters": sql_arrays.numbers(meter.pk for meter in meters),
        "ats": sql_arrays.moments(
            at if is_timed or not given else None for at, is_timed in zip(ats, timed, strict=True)
        ),
        "quantities": sql_arrays.numbers(quantities),
        "statuses": sql_arrays.texts(statuses),
        "durations": sql_arrays.numbers(durations),
        "subjects": sql_arrays.texts(subjects),
        "properties": sql_arrays.texts(properties),
    }


def as_counted(fact: Fact, place: Place) -> counters.Counted:
    return counters.Counted(
        fact.organization_id,
        fact.meter.pk,
        fact.meter.aggregation,
        place.window_start,
        place.segment_start,
        fact.event_at,
        fact.event_id,
        fact.quantity,
        fact.counted,
        fact.subject,
        not fact.not_billable,
    )


def _read(events: Sequence[Any], organization: Organization | None, taken: Taken, now: datetime) -> Found:
    organizations = _within_reach(events, organization)
    meters = measured()
    found: list[tuple[int, Fact]] = []
    for index, raw in enumerate(events):
        try:
            found.append((index, read_fact(raw, organizations=organizations, meters=meters, now=now)))
        except Refused as refusal:
            taken.rejected.append(Rejected(index, _id_of(raw), refusal.code, refusal.message))
    return found


def _within_reach(events: Sequence[Any], organization: Organization | None) -> dict[str, int]:
    if organization is not None:
        return {organization.public_id: organization.pk}
    named = {raw["organization"] for raw in events if isinstance(raw, dict) and _is_id(raw.get("organization"))}
    with prepared_cursor() as cursor:
        cursor.execute(ORGANIZATIONS_SQL, [sql_arrays.texts(named)])
        return dict(cursor.fetchall())


def _is_id(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= 40


def _id_of(raw: Any) -> str | None:
    given = raw.get("id") if isinstance(raw, dict) else None
    return given if isinstance(given, str) else None


def _store(found: Found, taken: Taken, now: datetime) -> None:
    since: dict[meter_states.Key, datetime] = {}
    firsts: dict[EventKey, Fact] = {}
    for _, fact in found:
        key = (fact.organization_id, fact.meter.pk)
        since[key] = min(since.get(key, fact.event_at), fact.event_at)
        firsts.setdefault(fact[:2], fact)
    # Locked before the terms are read: whoever changes terms locks them too, so an event is counted under the terms
    # that hold when it commits.
    is_news = meter_states.touch(since, now=now)
    places = Places(timelines_for(organization_ids={pk for pk, _ in since}, since=min(since.values())))
    facts = [firsts[key] for key in sorted(firsts)]
    new = write_facts(
        facts, [places.of(fact.organization_id, fact.meter.code, fact.event_at) for fact in facts], now=now
    )
    taken.accepted += len(new)
    if len(new) < len(found):
        _sort_out([(i, fact) for i, fact in found if fact[:2] not in new or firsts[fact[:2]] is not fact], taken)
    if is_news and new:
        after_commit("usage.tasks.watch_usage")


def _store_one_by_one(found: Found, taken: Taken, now: datetime) -> None:
    """For a batch that adds up to more than a counter keeps: only the events that do not fit are rejected."""
    for index, fact in found:
        try:
            with transaction.atomic():
                _store([(index, fact)], taken, now)
        except DataError:
            message = "With this quantity the window would add up to more than can be kept."
            taken.rejected.append(Rejected(index, fact.event_id, "invalid_quantity", message))


def _sort_out(repeats: Found, taken: Taken) -> None:
    """Ids that are taken: duplicates, or refused because they said something else before."""
    with prepared_cursor() as cursor:
        cursor.execute(DIFFERENT_SQL, _columns((fact for _, fact in repeats), given=True))
        different = [repeats[place - 1] for (place,) in cursor.fetchall()]
    taken.duplicates += len(repeats) - len(different)
    message = "This id was used before for another event. Use a new id for a new event."
    taken.rejected += [Rejected(index, fact.event_id, "id_conflict", message) for index, fact in different]
