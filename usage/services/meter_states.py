"""The guard rows: locked before anything is decided about an organization's meter."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime

from accounts.models import Organization
from core import sql_arrays
from core.prepared_statements import prepared_cursor
from usage.models import MeterState

Key = tuple[int, int]
"""Organization and meter, by primary key."""

# The conflict locks a row even where nothing is to be updated, and waits for whoever is just making it. Rows that were
# already marked are left as they are: a busy meter costs one lock per batch, not one more version of its row.
TOUCH_SQL = """
INSERT INTO usage_meterstate AS state
    (organization_id, meter_id, settle_at, settle_from, watch_at, blocked, reading_id)
SELECT organization, meter, %(now)s, since, %(now)s, '', ''
  FROM unnest(%(organizations)s::bigint[], %(meters)s::bigint[], %(sinces)s::timestamptz[])
       AS touched (organization, meter, since)
 ORDER BY organization, meter
    ON CONFLICT (organization_id, meter_id) DO UPDATE
   SET settle_at = least(state.settle_at, excluded.settle_at),
       settle_from = least(state.settle_from, excluded.settle_from),
       watch_at = least(state.watch_at, excluded.watch_at)
 WHERE state.settle_at IS NULL OR state.settle_at > excluded.settle_at
    OR state.settle_from IS NULL OR state.settle_from > excluded.settle_from
    OR state.watch_at IS NULL OR state.watch_at > excluded.watch_at
RETURNING 1
"""

LOCK_SQL = """
INSERT INTO usage_meterstate AS state (organization_id, meter_id, blocked, reading_id)
SELECT organization, meter, '', '' FROM unnest(%s::bigint[], %s::bigint[]) AS wanted (organization, meter)
 ORDER BY organization, meter
    ON CONFLICT (organization_id, meter_id) DO UPDATE SET blocked = state.blocked WHERE false
"""

SETTLED_SQL = """
UPDATE usage_meterstate state
   SET settle_at = settled.due, settle_from = settled.due,
       watch_at = CASE WHEN settled.is_changed THEN %s ELSE state.watch_at END
  FROM unnest(%s::bigint[], %s::bigint[], %s::timestamptz[], %s::boolean[])
       AS settled (organization, meter, due, is_changed)
 WHERE state.organization_id = settled.organization AND state.meter_id = settled.meter
"""

WATCHED_SQL = """
UPDATE usage_meterstate state
   SET watch_at = seen.watch_at, blocked = seen.blocked, blocked_since = seen.blocked_since
  FROM unnest(%s::bigint[], %s::timestamptz[], %s::text[], %s::timestamptz[])
       AS seen (id, watch_at, blocked, blocked_since)
 WHERE state.id = seen.id
"""


def touch(since: Mapping[Key, datetime], *, now: datetime) -> bool:
    """Lock the states (making those that are missing) and mark them: to be settled from the window that contains
    `since` on, and to be watched. True when any was not marked before, so that somebody has to be told.
    """
    keys = sorted(since)
    with prepared_cursor() as cursor:
        cursor.execute(
            TOUCH_SQL,
            {
                "organizations": sql_arrays.numbers(organization for organization, _ in keys),
                "meters": sql_arrays.numbers(meter for _, meter in keys),
                "sinces": sql_arrays.moments(since[key] for key in keys),
                "now": now,
            },
        )
        return bool(cursor.rowcount)


def lock(keys: Iterable[Key]) -> None:
    """Lock the states, making those that are missing."""
    ordered = sorted(set(keys))
    with prepared_cursor() as cursor:
        cursor.execute(LOCK_SQL, [list(column) for column in zip(*ordered, strict=True)])


def locked_state(*, organization: Organization, meter_id: int) -> MeterState:
    lock([(organization.pk, meter_id)])
    return MeterState.objects.get(organization=organization, meter_id=meter_id)


def settled(due: Mapping[Key, datetime | None], *, changed: Collection[Key], now: datetime) -> None:
    """Nothing waits in these locked states until they are due again; where something changed, it is to be told."""
    with prepared_cursor() as cursor:
        cursor.execute(
            SETTLED_SQL,
            [
                now,
                sql_arrays.numbers(organization for organization, _ in due),
                sql_arrays.numbers(meter for _, meter in due),
                sql_arrays.moments(due.values()),
                [key in changed for key in due],
            ],
        )


def watched(seen: Sequence[MeterState]) -> None:
    """Keep what was found, and when to look again, of these locked states."""
    with prepared_cursor() as cursor:
        cursor.execute(
            WATCHED_SQL,
            [
                sql_arrays.numbers(state.pk for state in seen),
                sql_arrays.moments(state.watch_at for state in seen),
                sql_arrays.texts(state.blocked for state in seen),
                sql_arrays.moments(state.blocked_since for state in seen),
            ],
        )
