"""Usage: events in, entitlements out, and the tally, on tables of one, four and ten million events.

Ingest stands beside `COPY` of the same rows into the same table, entitlements beside an empty view with the same
middleware and authentication, the tally beside a plain GROUP BY over the same rows.
"""

import json
import os
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from bench import http
from bench.report import Line
from bench.server import Pgbench

if TYPE_CHECKING:
    from accounts.models import Organization

MILLION = 1_000_000
HISTORIES = tuple(int(MILLION * float(part)) for part in os.environ.get("BENCH_MILLIONS", "1,4,10").split(","))
"""Events in the table; `BENCH_MILLIONS=0.1,0.4` for a quick look."""
ORGANIZATIONS = 1_000
METERS = ("bench_calls", "bench_jobs", "bench_bytes")
BATCH, BATCHES = 1_000, 60
HTTP_CLIENTS, READERS = 4, 8
DAYS = 30

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
included = "100"
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
GROUP_BY = """
SELECT organization_id, meter_id, sum(counted) FROM usage_usageevent WHERE event_at >= %s AND billable GROUP BY 1, 2
"""
COLUMNS = (
    "organization_id, event_id, meter_id, event_at, quantity, status, duration_ms, subject, properties, billable, "
    "not_billable, counted, window_start, segment_start, voided_at, void_reason, created_at"
)


def measure(*, tpcb: Pgbench, seconds: int, say: Callable[[str], None]) -> list[Line]:
    """Every line of the table of usage."""
    organizations, key = _set_up()
    lines: list[Line] = []
    with http.portal() as port:
        say("usage: ingest into an empty table")
        lines += _ingest(organizations, port, key, "empty table")
        tallies: list[tuple[int, float, float]] = []
        entitlement_before = None
        for size in HISTORIES:
            say(f"usage: filling the table to {size:,}")
            _fill(size)
            say(f"usage: tally at {size:,}")
            tallies.append((size, *_tally(organizations)))
            if entitlement_before is None:
                entitlement_before = _entitlements(organizations, port, key, seconds, f"{size:,} events", lines)
        last = f"{HISTORIES[-1]:,} events"
        say(f"usage: reads and ingest at {last}")
        _entitlements(organizations, port, key, seconds, last, lines)
        lines += _ingest(organizations, port, key, last)
    return lines + _tally_lines(tallies)


def _set_up() -> tuple[list["Organization"], str]:
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
            now=now,
        )
    return organizations, create_api_key(name="Bench").secret


def _batches(organizations: list["Organization"], count: int) -> list[list[dict[str, Any]]]:
    """Events of the last hour, as a product would report them: many organizations, every meter."""
    run, now = uuid4().hex[:8], datetime.now(UTC)
    return [
        [
            {
                "id": f"{run}-{batch}-{number}",
                "organization": organizations[(batch * 31 + number) % len(organizations)].public_id,
                "meter": METERS[number % len(METERS)],
                "timestamp": (now - timedelta(seconds=number)).isoformat(),
                "quantity": "1.5",
                "status": "success",
                "duration_ms": 1200,
                "properties": {"region": "eu"},
            }
            for number in range(BATCH)
        ]
        for batch in range(count)
    ]


def _ingest(organizations: list["Organization"], port: int, key: str, table: str) -> list[Line]:
    from usage.services.ingest import ingest

    warm, *batches = _batches(organizations, BATCHES + 1)
    ingest(events=warm, now=datetime.now(UTC))
    started = time.perf_counter()
    for batch in batches:
        ingest(events=batch, now=datetime.now(UTC))
    service = BATCHES * BATCH / (time.perf_counter() - started)
    copied = _copy([event["id"] for batch in batches for event in batch])
    bodies = [json.dumps({"events": batch}).encode() for batch in _batches(organizations, BATCHES)]
    through_http = BATCHES * BATCH / http.post_all(port, key, "/api/v1/events", bodies, clients=HTTP_CLIENTS)
    return [
        Line(f"ingest, service, {table}", f"{service:,.0f}/s", f"COPY {copied:,.0f}/s", service / copied, target=0.5),
        Line(
            f"ingest, HTTP, {HTTP_CLIENTS} clients, {table}",
            f"{through_http:,.0f}/s",
            "10,000/s",
            through_http / 10_000,
            target=1.0,
        ),
    ]


def _copy(ids: list[str]) -> float:
    """The same rows again, under other ids, in batches of the same size, each committed."""
    from django.db import connection

    with connection.cursor() as cursor:
        columns = COLUMNS.replace("event_id", "'copy-' || event_id")
        cursor.execute(f"SELECT {columns} FROM usage_usageevent WHERE event_id = ANY(%s)", [ids])
        rows = cursor.fetchall()
        batches = []
        for start in range(0, len(rows), BATCH):
            with cursor.copy(
                f"COPY (SELECT {columns} FROM usage_usageevent WHERE event_id = ANY(%s)) TO STDOUT",
                [[row[1].removeprefix("copy-") for row in rows[start : start + BATCH]]],
            ) as copy:
                batches.append(b"".join(bytes(part) for part in copy))
        started = time.perf_counter()
        for batch in batches:
            with cursor.copy(f"COPY usage_usageevent ({COLUMNS}) FROM STDIN") as copy:
                copy.write(batch)
        return len(rows) / (time.perf_counter() - started)


def _fill(size: int) -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM usage_usageevent")
        have = cursor.fetchone()[0]
        names: dict[str, Any] = {"organizations": ORGANIZATIONS, "run": uuid4().hex[:6], "now": datetime.now(UTC)}
        cursor.execute(FILL, names | {"first": have + 1, "last": size})
        cursor.execute("TRUNCATE usage_usagecounter")
        cursor.execute(COUNT)
        cursor.execute("VACUUM ANALYZE usage_usageevent, usage_usagecounter")


def _tally(organizations: list["Organization"]) -> tuple[float, float]:
    """Seconds of the tally of what six hours changed, and of the GROUP BY. What came before is settled first."""
    from django.db import connection

    from usage.models import MeterState
    from usage.services.ingest import ingest
    from usage.services.tally import tally

    MeterState.objects.update(settle_at=datetime.now(UTC), settle_from=datetime.now(UTC) - timedelta(days=DAYS))
    tally(now=datetime.now(UTC))
    for batch in _batches(organizations, BATCHES):
        ingest(events=batch, now=datetime.now(UTC))
    MeterState.objects.update(watch_at=None)
    started = time.perf_counter()
    run = tally(now=datetime.now(UTC))
    taken = time.perf_counter() - started
    if run.errors or not run.credits:
        raise RuntimeError(f"The tally had {run.errors} errors and drew {run.credits} credits.")
    with connection.cursor() as cursor:
        started = time.perf_counter()
        cursor.execute(GROUP_BY, [datetime.now(UTC) - timedelta(hours=6)])
        cursor.fetchall()
    return taken, time.perf_counter() - started


def _entitlements(
    organizations: list["Organization"], port: int, key: str, seconds: int, table: str, lines: list[Line]
) -> float:
    paths = [
        f"/api/v1/organizations/{organization.public_id}/entitlements/{METERS[number % len(METERS)]}"
        for number, organization in enumerate(organizations)
    ]
    http.get_for(port, key, paths, clients=READERS, seconds=1)
    empty, _ = http.get_for(port, key, ["/api/v1/bench/empty"], clients=READERS, seconds=seconds)
    reads, slowest = http.get_for(port, key, paths, clients=READERS, seconds=seconds)
    lines.append(
        Line(
            f"entitlements, {READERS} connections, {table}",
            f"{reads:,.0f}/s",
            f"empty view {empty:,.0f}/s",
            reads / empty,
            target=0.4,
        )
    )
    lines.append(Line(f"entitlements, 99th percentile, {table}", f"{slowest:.1f} ms", "25 ms", slowest / 25, limit=1.0))
    return reads


def _tally_lines(tallies: list[tuple[int, float, float]]) -> list[Line]:
    size, taken, grouped = tallies[-1]
    keys = f"{ORGANIZATIONS:,} × {len(METERS)} meters"
    lines = [
        Line(
            f"tally of {keys}, {size:,} events", f"{taken:.2f} s", f"GROUP BY {grouped:.2f} s", taken / grouped, limit=2
        ),
        Line(f"tally, posting included, {size:,} events", f"{taken:.2f} s", "2 s", taken / 2, limit=1.0),
    ]
    first = tallies[0][1]
    for size, taken, _ in tallies[1:]:
        name = f"tally at {size:,} events beside {tallies[0][0]:,}"
        lines.append(Line(name, f"{taken:.2f} s", f"{first:.2f} s", taken / first, limit=1.5))
    return lines
