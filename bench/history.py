"""Organizations on a plan of three meters, and as many events behind them as wanted."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import uuid4

if TYPE_CHECKING:
    from accounts.models import Organization

ORGANIZATIONS = 1_000
METERS = ("bench_calls", "bench_jobs", "bench_bytes")

CATALOGUE = (
    """
[[units]]
code = "bench"
name = "Bench credits"
"""
    + "".join(
        f"""
[[meters]]
code = "{code}"
name = "{code}"
aggregation = "sum"
unit_name = "unit"
[[meters.credit_rates]]
unit = "bench"
ladder = [{{ price = "0.001" }}]
"""
        for code in METERS
    )
    + """
[[plans]]
code = "bench"
name = "Bench"
default = true
"""
    + "".join(
        f"""
[[plans.allowances]]
meter = "{code}"
included = "0"
"""
        for code in METERS
    )
)

# Spread evenly over organizations, meters and the last thirty days; the counters are what ingest would have kept.
FILL = """
INSERT INTO usage_usageevent (organization_id, event_id, meter_id, event_at, quantity, status, subject, properties,
    billable, not_billable, counted, window_start, segment_start, void_reason, created_at)
SELECT organizations.ids[1 + number %% %(organizations)s], %(run)s || number, meters.ids[1 + number %% 3],
       moment, 1, 'success', '', '{}', true, '', 1, month, month, '', moment
  FROM (SELECT array_agg(id ORDER BY id) AS ids FROM accounts_organization
         WHERE name LIKE 'Bench usage%%') organizations,
       (SELECT array_agg(id ORDER BY id) AS ids FROM plans_meter WHERE code LIKE 'bench%%') meters,
       generate_series(%(first)s::bigint, %(last)s::bigint) AS number,
       LATERAL (SELECT %(now)s::timestamptz - make_interval(secs => (number * 7919 %% 2592000)::double precision))
           AS at (moment),
       LATERAL (SELECT date_trunc('month', moment AT TIME ZONE 'UTC') AT TIME ZONE 'UTC') AS of (month)
"""
COUNT = """
INSERT INTO usage_usagecounter (organization_id, meter_id, window_start, segment_start, day, events, quantity, billable)
SELECT organization_id, meter_id, window_start, segment_start, (event_at AT TIME ZONE 'UTC')::date, count(*),
       sum(quantity), sum(counted)
  FROM usage_usageevent GROUP BY 1, 2, 3, 4, 5
"""
# How to drop, and to build again, what an INSERT of millions would keep up row by row.
BESIDE_THE_KEY = """
SELECT format('ALTER TABLE usage_usageevent DROP CONSTRAINT %I', conname),
       format('ALTER TABLE usage_usageevent ADD CONSTRAINT %I %s', conname, pg_get_constraintdef(oid))
  FROM pg_constraint WHERE conrelid = 'usage_usageevent'::regclass AND contype IN ('f', 'u')
UNION ALL
SELECT format('DROP INDEX %I', indexname), indexdef FROM pg_indexes
 WHERE tablename = 'usage_usageevent'
   AND indexname NOT IN (SELECT conname FROM pg_constraint WHERE conrelid = 'usage_usageevent'::regclass)
"""


def set_up() -> tuple[list["Organization"], str]:
    from accounts.models import Organization
    from accounts.services.api_keys import create_api_key
    from credits.services.grants import grant_credits
    from payments.catalogue_file import load

    load(text=CATALOGUE, now=datetime(2026, 1, 1, tzinfo=UTC))
    organizations = Organization.objects.bulk_create(
        Organization(name=f"Bench usage {number}", email="bench@example.com") for number in range(ORGANIZATIONS)
    )
    now = datetime.now(UTC)
    for organization in organizations:
        grant_credits(
            organization=organization,
            unit="bench",
            amount=1_000_000,
            source="staff",
            reference=f"bench:usage:{organization.pk}",
            announce=False,
            now=now,
        )
    return organizations, create_api_key(name="Bench").secret


def fill(size: int) -> None:
    """Without indexes and foreign keys, which are built anew (and checked) afterwards."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SET maintenance_work_mem = '512MB'")
        cursor.execute(BESIDE_THE_KEY)
        remove, restore = zip(*cursor.fetchall(), strict=True)
        for statement in remove:
            cursor.execute(statement)
        cursor.execute("SELECT count(*) FROM usage_usageevent")
        have = cursor.fetchone()[0]
        names: dict[str, Any] = {"organizations": ORGANIZATIONS, "run": uuid4().hex[:6], "now": datetime.now(UTC)}
        cursor.execute(FILL, names | {"first": have + 1, "last": size})
        for statement in restore:
            cursor.execute(statement)
        cursor.execute("TRUNCATE usage_usagecounter")
        cursor.execute(COUNT)
        cursor.execute("VACUUM ANALYZE usage_usageevent, usage_usagecounter")
