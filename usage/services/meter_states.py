"""The rows that are locked before anything is decided about an organization's meter.

They also say what is due: to be settled (by `tally.py`) and to be checked for thresholds and refusals (by
`meter_alerts.py`).
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime

from django.db import connection
from django.db.models import QuerySet

from accounts.models import Organization
from core import sql_arrays
from core.locks import for_update
from core.prepared_statements import prepared_cursor
from plans.models import Meter
from usage.models import MeterState

MeterKey = tuple[int, int]
"""Organization and meter, by primary key."""

# ON CONFLICT locks a row even where nothing is to be updated, and waits for whoever is just inserting it. Rows that are
# marked already stay as they are: a busy meter costs one lock per batch, and no new version of its row.
LOCK_AND_MARK_DUE_SQL = """
INSERT INTO usage_meterstate AS state
    (organization_id, meter_id, settle_at, settle_from, check_at, blocked, reading_id)
SELECT organization, meter, %(now)s, since, %(now)s, '', ''
  FROM unnest(%(organizations)s::bigint[], %(meters)s::bigint[], %(sinces)s::timestamptz[])
       AS due (organization, meter, since)
 ORDER BY organization, meter
    ON CONFLICT (organization_id, meter_id) DO UPDATE
   SET settle_at = least(state.settle_at, excluded.settle_at),
       settle_from = least(state.settle_from, excluded.settle_from),
       check_at = least(state.check_at, excluded.check_at)
 WHERE state.settle_at IS NULL OR state.settle_at > excluded.settle_at
    OR state.settle_from IS NULL OR state.settle_from > excluded.settle_from
    OR state.check_at IS NULL OR state.check_at > excluded.check_at
RETURNING 1
"""

LOCK_SQL = """
INSERT INTO usage_meterstate AS state (organization_id, meter_id, blocked, reading_id)
SELECT organization, meter, '', '' FROM unnest(%s::bigint[], %s::bigint[]) AS wanted (organization, meter)
 ORDER BY organization, meter
    ON CONFLICT (organization_id, meter_id) DO UPDATE SET blocked = state.blocked WHERE false
"""

MARK_SETTLED_SQL = """
UPDATE usage_meterstate state
   SET settle_at = settled.due, settle_from = settled.due,
       check_at = CASE WHEN settled.is_changed THEN %s ELSE state.check_at END
  FROM unnest(%s::bigint[], %s::bigint[], %s::timestamptz[], %s::boolean[])
       AS settled (organization, meter, due, is_changed)
 WHERE state.organization_id = settled.organization AND state.meter_id = settled.meter
"""

MARK_CHECKED_SQL = """
UPDATE usage_meterstate state
   SET check_at = checked.check_at, blocked = checked.blocked, blocked_since = checked.blocked_since
  FROM unnest(%s::bigint[], %s::timestamptz[], %s::text[], %s::timestamptz[])
       AS checked (id, check_at, blocked, blocked_since)
 WHERE state.id = checked.id
"""

# Usage that nothing paid for is tried again where a wallet it may draw on has something to give.
MARK_UNPAID_DUE_SQL = """
UPDATE usage_meterstate state
   SET settle_at = least(state.settle_at, %(now)s), settle_from = least(state.settle_from, unpaid.since)
  FROM (SELECT organization_id, meter_id, min(window_start) AS since
          FROM usage_settlement WHERE unpaid > 0 GROUP BY 1, 2) unpaid
 WHERE state.organization_id = unpaid.organization_id AND state.meter_id = unpaid.meter_id
   AND (%(organization)s::bigint IS NULL OR state.organization_id = %(organization)s)
   AND EXISTS (SELECT FROM credits_wallet wallet JOIN plans_creditrate rate ON rate.unit_id = wallet.unit_id
                WHERE wallet.organization_id = state.organization_id AND rate.meter_id = state.meter_id
                  AND wallet.debt = 0 AND wallet.balance > wallet.held)
"""


def lock_and_mark_due(since: Mapping[MeterKey, datetime], *, now: datetime) -> bool:
    """Lock the states (making those that are missing) and mark them: to be settled from the window that contains
    `since` on, and to be checked. True when any was not marked before, so that a task has to be queued.
    """
    keys = sorted(since)
    with prepared_cursor() as cursor:
        cursor.execute(
            LOCK_AND_MARK_DUE_SQL,
            {
                "organizations": sql_arrays.numbers(organization for organization, _ in keys),
                "meters": sql_arrays.numbers(meter for _, meter in keys),
                "sinces": sql_arrays.moments(since[key] for key in keys),
                "now": now,
            },
        )
        return bool(cursor.rowcount)


def lock(keys: Iterable[MeterKey]) -> None:
    """Lock the states, making those that are missing."""
    ordered = sorted(set(keys))
    with prepared_cursor() as cursor:
        cursor.execute(LOCK_SQL, [list(column) for column in zip(*ordered, strict=True)])


def locked_state(*, organization: Organization, meter_id: int) -> MeterState:
    lock([(organization.pk, meter_id)])
    return MeterState.objects.get(organization=organization, meter_id=meter_id)


def lock_due_to_settle(organization_ids: Iterable[int], *, now: datetime) -> list[MeterState]:
    """Those that wait to be settled, with their meters and credit rates. Whoever else is at it has to finish first."""
    states = list(_lock_in_order(organization_ids).filter(settle_at__lte=now))
    # A few meters for thousands of states.
    meters = Meter.objects.prefetch_related("credit_rates").in_bulk({state.meter_id for state in states})
    for state in states:
        state.meter = meters[state.meter_id]
    return states


def lock_due_to_check(organization_ids: Iterable[int], *, now: datetime) -> list[MeterState]:
    """Those that wait to be checked for thresholds and refusals."""
    return list(_lock_in_order(organization_ids).filter(check_at__lte=now))


def mark_settled(due: Mapping[MeterKey, datetime | None], *, changed: Collection[MeterKey], now: datetime) -> None:
    """Nothing waits in these locked states until they are due again; those that changed are to be checked."""
    with prepared_cursor() as cursor:
        cursor.execute(
            MARK_SETTLED_SQL,
            [
                now,
                sql_arrays.numbers(organization for organization, _ in due),
                sql_arrays.numbers(meter for _, meter in due),
                sql_arrays.moments(due.values()),
                [key in changed for key in due],
            ],
        )


def mark_checked(checked: Sequence[MeterState]) -> None:
    """Keep what was found, and when to check again, of these locked states."""
    with prepared_cursor() as cursor:
        cursor.execute(
            MARK_CHECKED_SQL,
            [
                sql_arrays.numbers(state.pk for state in checked),
                sql_arrays.moments(state.check_at for state in checked),
                sql_arrays.texts(state.blocked for state in checked),
                sql_arrays.moments(state.blocked_since for state in checked),
            ],
        )


def mark_unpaid_due(*, now: datetime, organization: Organization | None = None) -> None:
    """Mark what is unpaid and could be paid now, to be settled."""
    with connection.cursor() as cursor:
        cursor.execute(MARK_UNPAID_DUE_SQL, {"now": now, "organization": organization.pk if organization else None})


def mark_all_to_check(*, organization: Organization, now: datetime) -> None:
    """Something changed that concerns every meter of the organization."""
    MeterState.objects.filter(organization=organization, meter__in=Meter.objects.in_use()).update(check_at=now)


def _lock_in_order(organization_ids: Iterable[int]) -> QuerySet[MeterState]:
    states = MeterState.objects.filter(organization__in=list(organization_ids))
    return for_update(states, no_key=True, of=("self",))
