"""Taking events in: the path that has to be fast, and never counts anything twice."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import DataError, connection, transaction

from accounts.background import after_commit
from accounts.models import Organization
from plans.models import Meter
from plans.terms import timelines_for
from usage.engine.facts import OLDEST, Fact, Measured, Refused, read_fact
from usage.services import arrays, counting, states
from usage.services.placing import Place, Places

INSERT_SQL = """
INSERT INTO usage_usageevent
    (organization_id, event_id, meter_id, event_at, quantity, status, duration_ms, subject, properties, billable,
     not_billable, counted, window_start, segment_start, content, void_reason, created_at)
SELECT organization, id, meter, at, quantity, status, duration, subject, properties, not_billable = '', not_billable,
       counted, window_start, segment_start, content, '', %(now)s
  FROM unnest(%(organizations)s::bigint[], %(ids)s::text[], %(meters)s::bigint[], %(ats)s::timestamptz[],
              %(quantities)s::numeric[], %(statuses)s::text[], %(durations)s::bigint[], %(subjects)s::text[],
              %(properties)s::jsonb[], %(not_billables)s::text[], %(counteds)s::numeric[], %(windows)s::timestamptz[],
              %(segments)s::timestamptz[], %(contents)s::bytea[])
       AS fact (organization, id, meter, at, quantity, status, duration, subject, properties, not_billable, counted,
                window_start, segment_start, content)
    ON CONFLICT (organization_id, event_id) DO NOTHING
RETURNING organization_id, event_id
"""

CONTENTS_SQL = """
SELECT event.organization_id, event.event_id, event.content
  FROM unnest(%s::bigint[], %s::text[]) AS named (organization, id)
  JOIN usage_usageevent event ON event.organization_id = named.organization AND event.event_id = named.id
"""

EventKey = tuple[int, str]


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
    facts = _read(events, organization, taken, now)
    if facts:
        try:
            with transaction.atomic():
                _store(facts, taken, now)
        except DataError:
            _store_one_by_one(facts, taken, now)
    taken.rejected.sort(key=lambda rejected: rejected.index)
    return taken


def measured() -> dict[str, Measured]:
    """All meters by code, retired ones too."""
    return {
        meter.code: Measured(meter.pk, meter.code, meter.aggregation, meter.rule, meter.retired)
        for meter in Meter.objects.all()
    }


def write_facts(facts: Sequence[Fact], places: Sequence[Place], *, now: datetime) -> set[EventKey]:
    """Insert events where they count, and count those that are new. Their states are locked. Returns the new ones."""
    order = sorted(range(len(facts)), key=lambda i: (facts[i].organization_id, facts[i].event_id))
    columns = list(zip(*(facts[i] for i in order), strict=True))
    with connection.cursor() as cursor:
        cursor.execute(
            INSERT_SQL,
            {
                "organizations": arrays.numbers(columns[0]),
                "ids": arrays.texts(columns[1]),
                "meters": arrays.numbers(meter.pk for meter in columns[2]),
                "ats": arrays.moments(columns[3]),
                "quantities": arrays.numbers(columns[4]),
                "statuses": arrays.texts(columns[5]),
                "durations": arrays.numbers(columns[6]),
                "subjects": arrays.texts(columns[7]),
                "properties": arrays.texts(columns[8]),
                "not_billables": arrays.texts(columns[9]),
                "counteds": arrays.numbers(columns[10]),
                "contents": arrays.binaries(columns[11]),
                "windows": arrays.moments(places[i].window_start for i in order),
                "segments": arrays.moments(places[i].segment_start for i in order),
                "now": now,
            },
        )
        new: set[EventKey] = set(cursor.fetchall())
    counting.count(
        [
            as_counted(fact, place)
            for fact, place in zip(facts, places, strict=True)
            if (fact.organization_id, fact.event_id) in new
        ]
    )
    return new


def as_counted(fact: Fact, place: Place) -> counting.Counted:
    return counting.Counted(
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


def _read(
    events: Sequence[Any], organization: Organization | None, taken: Taken, now: datetime
) -> dict[EventKey, tuple[int, Fact]]:
    """The facts by id, each with its place in the batch; of the same event given twice, the first."""
    organizations = _within_reach(events, organization)
    meters = measured()
    oldest = now - OLDEST
    facts: dict[EventKey, tuple[int, Fact]] = {}
    for index, raw in enumerate(events):
        try:
            fact = read_fact(raw, organizations=organizations, meters=meters, oldest=oldest, now=now)
        except Refused as refusal:
            taken.rejected.append(Rejected(index, _id_of(raw), refusal.code, refusal.message))
            continue
        key = (fact.organization_id, fact.event_id)
        first = facts.setdefault(key, (index, fact))
        if first[0] != index:
            _repeat(index, fact, first[1].content, taken)
    return facts


def _within_reach(events: Sequence[Any], organization: Organization | None) -> dict[str, int]:
    if organization is not None:
        return {organization.public_id: organization.pk}
    named = {raw["organization"] for raw in events if isinstance(raw, dict) and _is_id(raw.get("organization"))}
    return dict(Organization.objects.filter(public_id__in=named).values_list("public_id", "pk"))


def _is_id(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= 40


def _id_of(raw: Any) -> str | None:
    given = raw.get("id") if isinstance(raw, dict) else None
    return given if isinstance(given, str) else None


def _store(facts: dict[EventKey, tuple[int, Fact]], taken: Taken, now: datetime) -> None:
    since: dict[states.Key, datetime] = {}
    for _, fact in facts.values():
        key = (fact.organization_id, fact.meter.pk)
        since[key] = min(since.get(key, fact.event_at), fact.event_at)
    # Locked before the terms are read: whoever changes terms locks them too, so an event is counted under the terms
    # that hold when it commits.
    is_news = states.touch(since, now=now)
    timelines = timelines_for(organization_ids={pk for pk, _ in since}, since=min(since.values()))
    places = Places(timelines)
    ordered = [fact for _, fact in facts.values()]
    new = write_facts(
        ordered, [places.of(fact.organization_id, fact.meter.code, fact.event_at) for fact in ordered], now=now
    )
    taken.accepted += len(new)
    if len(new) < len(facts):
        _sort_out_repeats({key: found for key, found in facts.items() if key not in new}, taken)
    if is_news and new:
        after_commit("usage.tasks.watch_usage")


def _store_one_by_one(facts: dict[EventKey, tuple[int, Fact]], taken: Taken, now: datetime) -> None:
    """For a batch that adds up to more than a counter keeps: only the events that do not fit are rejected."""
    for key, (index, fact) in facts.items():
        try:
            with transaction.atomic():
                _store({key: (index, fact)}, taken, now)
        except DataError:
            message = "With this quantity the window would add up to more than can be kept."
            taken.rejected.append(Rejected(index, fact.event_id, "invalid_quantity", message))


def _sort_out_repeats(repeats: dict[EventKey, tuple[int, Fact]], taken: Taken) -> None:
    with connection.cursor() as cursor:
        cursor.execute(CONTENTS_SQL, [list(column) for column in zip(*repeats, strict=True)])
        contents = {(organization_id, event_id): bytes(content) for organization_id, event_id, content in cursor}
    for key, (index, fact) in repeats.items():
        _repeat(index, fact, contents[key], taken)


def _repeat(index: int, fact: Fact, first_content: bytes, taken: Taken) -> None:
    if fact.content == first_content:
        taken.duplicates += 1
    else:
        message = "This id was used before for another event. Use a new id for a new event."
        taken.rejected.append(Rejected(index, fact.event_id, "id_conflict", message))
