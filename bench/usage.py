"""Usage: events in, entitlements out, and the tally, on tables of one, four and ten million events.

Ingest stands beside `COPY` of the same rows into the same table, entitlements beside an empty view with the same
middleware and authentication, the tally beside a plain GROUP BY over the same rows.
"""

import json
import os
import re
import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from bench import http
from bench.history import METERS, ORGANIZATIONS, fill, set_up
from bench.report import Line
from bench.server import Pgbench

if TYPE_CHECKING:
    from accounts.models import Organization

MILLION = 1_000_000
HISTORIES = tuple(int(MILLION * float(part)) for part in os.environ.get("BENCH_MILLIONS", "1,4,10").split(","))
"""Events in the table; `BENCH_MILLIONS=0.1,0.4` for a quick look."""
BATCH, BATCHES = 1_000, 60
FEW = 20
HTTP_CLIENTS, READERS = 4, 8
DAYS = 30
ROUNDS = 5

GROUP_BY = """
SELECT organization_id, meter_id, sum(counted) FROM usage_usageevent WHERE event_at >= %s AND billable GROUP BY 1, 2
"""
COLUMNS = (
    "organization_id, event_id, meter_id, event_at, quantity, status, duration_ms, subject, properties, billable, "
    "not_billable, counted, window_start, segment_start, voided_at, void_reason, created_at"
)


def measure(*, tpcb: Pgbench, seconds: int, say: Callable[[str], None]) -> list[Line]:
    """Every line of the table of usage."""
    organizations, key = set_up()
    lines: list[Line] = []
    with http.portal() as port:
        say("usage: ingest into an empty table")
        lines += _ingest(organizations, port, key, "empty table")
        tallies: list[tuple[int, float, float, float]] = []
        entitlement_before = None
        for size in HISTORIES:
            say(f"usage: filling the table to {size:,}")
            fill(size)
            say(f"usage: tally at {size:,}")
            tallies.append((size, *_tally(organizations)))
            if entitlement_before is None:
                entitlement_before = _entitlements(organizations, port, key, seconds, f"{size:,} events", lines)
        last = f"{HISTORIES[-1]:,} events"
        say(f"usage: reads and ingest at {last}")
        _entitlements(organizations, port, key, seconds, last, lines)
        lines += _ingest(organizations, port, key, last)
    return lines + _tally_lines(tallies)


def _batches(organizations: Sequence["Organization"], count: int) -> list[list[dict[str, Any]]]:
    """Events of the last hour, as a product would report them: every organization in turn, every meter."""
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
    lines = []
    for some in (organizations[:FEW], organizations):
        service, copied = _ingest_beside_copy(some)
        lines.append(
            Line(
                f"ingest, service, batches over {len(some):,} organizations, {table}",
                f"{service:,.0f}/s",
                f"COPY {copied:,.0f}/s",
                service / copied,
                target=0.5,
            )
        )
    lines += _stages(organizations, table)
    bodies = [json.dumps({"events": batch}).encode() for batch in _batches(organizations, BATCHES)]
    through_http = BATCHES * BATCH / http.post_all(port, key, "/api/v1/events", bodies, clients=HTTP_CLIENTS)
    name = f"ingest, HTTP, {HTTP_CLIENTS} clients, {table}"
    return [*lines, Line(name, f"{through_http:,.0f}/s", "10,000/s", through_http / 10_000, target=1.0)]


def _ingest_beside_copy(organizations: Sequence["Organization"]) -> tuple[float, float]:
    """Events per second of the service, and of `COPY` of the same rows under other ids, batch by batch in turn."""
    from django.db import connection

    from usage.services.ingest import ingest

    warm, *batches = _batches(organizations, BATCHES + 1)
    ingest(events=warm, now=datetime.now(UTC))
    columns = COLUMNS.replace("event_id", "'copy-' || event_id")
    ingested = copied = 0.0
    with connection.cursor() as cursor:
        for batch in batches:
            cursor.execute("SELECT coalesce(max(id), 0) FROM usage_usageevent")
            before = cursor.fetchone()[0]
            started = time.perf_counter()
            ingest(events=batch, now=datetime.now(UTC))
            ingested += time.perf_counter() - started
            with cursor.copy(f"COPY (SELECT {columns} FROM usage_usageevent WHERE id > {before}) TO STDOUT") as copy:
                rows = b"".join(bytes(part) for part in copy)
            started = time.perf_counter()
            with cursor.copy(f"COPY usage_usageevent ({COLUMNS}) FROM STDIN") as copy:
                copy.write(rows)
            copied += time.perf_counter() - started
    return len(batches) * BATCH / ingested, len(batches) * BATCH / copied


def _stages(organizations: Sequence["Organization"], table: str) -> list[Line]:
    """Where the time of an event goes: waiting for each statement; the rest is Python, and the commit."""
    from django.db import connection

    from usage.services.ingest import ingest

    spent: dict[str, float] = defaultdict(float)
    inside = 0.0

    def timed(execute: Callable[..., Any], sql: str, parameters: Any, many: bool, context: Any) -> Any:
        nonlocal inside
        begun, busy = time.perf_counter(), time.process_time()
        try:
            return execute(sql, parameters, many, context)
        finally:
            inside += time.process_time() - busy
            found = re.search(r"(?:INTO|JOIN|FROM) \"?((?:usage|accounts|plans)_[a-z]+)", sql)
            spent[found[1] if found else "other statements"] += time.perf_counter() - begun

    batches = _batches(organizations, BATCHES // 3)
    started, cpu = time.perf_counter(), time.process_time()
    with connection.execute_wrapper(timed):
        for batch in batches:
            ingest(events=batch, now=datetime.now(UTC))
    total, python = time.perf_counter() - started, time.process_time() - cpu - inside
    spent["Python between the statements"] = python
    spent["commit, foreign keys checked"] = max(total - sum(spent.values()), 0.0)
    events = len(batches) * BATCH
    name = f"part of an event's time, {table}: "
    return [
        Line(name + stage, f"{taken / events * 1e6:.1f} µs", f"all {total / events * 1e6:.1f} µs", taken / total)
        for stage, taken in sorted(spent.items(), key=lambda item: -item[1])
        if taken / total > 0.02
    ]


def _tally(organizations: list["Organization"]) -> tuple[float, float, float]:
    """Seconds of the tally of what six hours changed, of telling afterwards, and of the GROUP BY.

    What came before is settled first.
    """
    from django.db import connection

    from usage.models import MeterState
    from usage.services.ingest import ingest
    from usage.services.meter_alerts import check_meters

    MeterState.objects.update(settle_at=datetime.now(UTC), settle_from=datetime.now(UTC) - timedelta(days=DAYS))
    _settle_all()
    for batch in _batches(organizations, BATCHES):
        ingest(events=batch, now=datetime.now(UTC))
    MeterState.objects.update(check_at=None)
    started = time.perf_counter()
    if not _settle_all():
        raise RuntimeError("The tally drew no credits.")
    settled = time.perf_counter() - started
    started = time.perf_counter()
    check_meters(now=datetime.now(UTC))
    told = time.perf_counter() - started
    with connection.cursor() as cursor:
        started = time.perf_counter()
        cursor.execute(GROUP_BY, [datetime.now(UTC) - timedelta(hours=6)])
        cursor.fetchall()
    return settled, told, time.perf_counter() - started


def _settle_all() -> Decimal:
    """The credits drawn. In batches and transactions as the tally has them."""
    from django.db import transaction

    from usage.services.meter_states import lock_due_to_settle
    from usage.services.settlement import settle
    from usage.services.tally import ORGANIZATIONS_AT_ONCE, waiting_organizations

    now, drawn = datetime.now(UTC), Decimal(0)
    waiting = waiting_organizations(now=now)
    for start in range(0, len(waiting), ORGANIZATIONS_AT_ONCE):
        with transaction.atomic():
            states = lock_due_to_settle(waiting[start : start + ORGANIZATIONS_AT_ONCE], now=now)
            drawn += settle(states, now=now).credits
    return drawn


def _entitlements(
    organizations: list["Organization"], port: int, key: str, seconds: int, table: str, lines: list[Line]
) -> float:
    paths = [
        f"/api/v1/organizations/{organization.public_id}/entitlements/{METERS[number % len(METERS)]}"
        for number, organization in enumerate(organizations)
    ]
    nothing = ["/api/v1/bench/empty"]
    for warm in (nothing, paths):
        http.get_for(port, key, warm, clients=READERS, seconds=1)
    turns = [
        (
            http.get_for(port, key, nothing, clients=READERS, seconds=seconds / ROUNDS),
            http.get_for(port, key, paths, clients=READERS, seconds=seconds / ROUNDS),
        )
        for _ in range(ROUNDS)
    ]
    (empty, slowest_empty), (reads, slowest) = (
        tuple(statistics.median(figures) for figures in zip(*side, strict=True)) for side in zip(*turns, strict=True)
    )
    lines.append(
        Line(
            f"entitlements, {READERS} connections, {table}",
            f"{reads:,.0f}/s",
            f"empty view {empty:,.0f}/s",
            reads / empty,
            target=0.4,
        )
    )
    beside = f"25 ms (empty view {slowest_empty:.1f} ms)"
    lines.append(Line(f"entitlements, 99th percentile, {table}", f"{slowest:.1f} ms", beside, slowest / 25, limit=1.0))
    return reads


def _tally_lines(tallies: list[tuple[int, float, float, float]]) -> list[Line]:
    size, settled, told, grouped = tallies[-1]
    keys = f"{ORGANIZATIONS:,} organizations × {len(METERS)} meters"
    ratio = settled / grouped
    lines = [
        Line(f"tally of {keys}, {size:,} events", f"{settled:.2f} s", f"GROUP BY {grouped:.2f} s", ratio, limit=2),
        Line(f"tally, posting included, {size:,} events", f"{settled:.2f} s", "2 s", settled / 2, limit=1.0),
        Line("telling of thresholds and refusals after it", f"{told:.2f} s", f"tally {settled:.2f} s", told / settled),
    ]
    first = tallies[0][1]
    for size, settled, _, _ in tallies[1:]:
        name = f"tally at {size:,} events beside {tallies[0][0]:,}"
        lines.append(Line(name, f"{settled:.2f} s", f"{first:.2f} s", settled / first, limit=1.5))
    return lines
