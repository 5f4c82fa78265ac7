"""The ledger: what a debit costs through the service, beside TPC-B on the same server in the same run.

A debit is `services.spending.spend`: durable, idempotent, one row of history. TPC-B is pgbench's own transaction:
three updates, one select and one insert. Both run with as many clients, turn by turn; figures are medians of three.
"""

import itertools
import random
import statistics
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING
from uuid import uuid4

from bench.report import Line
from bench.server import Pgbench
from bench.workers import rate

if TYPE_CHECKING:
    from accounts.models import Organization

UNITS = ("usd", "sessions", "mau")
ORGANIZATIONS = 1_000
CLIENTS = (1, 4, 8)
ROUNDS = 3
SHALLOW, DEEP = 10, 100_000
FEW_ENTRIES, MANY_ENTRIES = 1_000, 1_000_000
MANY_WALLETS_TARGET = {1: 1.0, 4: 0.8, 8: 0.6}
HOT_WALLET_TARGET = {4: 0.40, 8: 0.33}


def measure(*, tpcb: Pgbench, seconds: int, say: Callable[[str], None]) -> list[Line]:
    """Every line of the ledger's table."""
    say("ledger: making wallets")
    organizations = _make_wallets()
    lines = _debits(tpcb, organizations, seconds, say)
    say("ledger: long histories")
    lines += [_debit_by_history(), _read_by_history()]
    say("ledger: a batch")
    lines.append(_batch(organizations))
    return lines


def spend_somewhere(number: int, organizations: list[int]) -> Callable[[], object]:
    """A client that debits wallets at random."""
    return _spender(number, lambda: random.choice(organizations))


def spend_on_one(number: int, organization: int) -> Callable[[], object]:
    """A client that debits the same wallet as all the others."""
    return _spender(number, lambda: organization)


def _spender(number: int, choose: Callable[[], int]) -> Callable[[], object]:
    from accounts.models import Organization
    from credits.services.spending import spend

    run, counter = uuid4().hex, itertools.count()
    cast: dict[int, Organization] = {}

    def step() -> object:
        pk = choose()
        organization = cast.setdefault(pk, Organization(pk=pk))
        now = datetime.now(UTC)
        reference = f"bench:{run}:{number}:{next(counter)}"
        return spend(organization=organization, unit="usd", amount="0.01", reference=reference, at=now, now=now)

    return step


def _debits(tpcb: Pgbench, organizations: list[int], seconds: int, say: Callable[[str], None]) -> list[Line]:
    baseline: dict[int, list[float]] = {clients: [] for clients in CLIENTS}
    many: dict[int, list[float]] = {clients: [] for clients in CLIENTS}
    hot: dict[int, list[float]] = {clients: [] for clients in CLIENTS}
    for turn in range(ROUNDS):
        for clients in CLIENTS:
            say(f"ledger: debits, round {turn + 1} of {ROUNDS}, {clients} clients")
            baseline[clients].append(tpcb.tps(clients=clients, seconds=seconds))
            many[clients].append(rate(spend_somewhere, (organizations,), clients=clients, seconds=seconds))
            hot[clients].append(rate(spend_on_one, (organizations[0],), clients=clients, seconds=seconds))
    lines = []
    for clients in CLIENTS:
        reference = statistics.median(baseline[clients])
        for what, rates, target in (
            ("debits on many wallets", many, MANY_WALLETS_TARGET.get(clients)),
            ("debits on one hot wallet", hot, HOT_WALLET_TARGET.get(clients)),
        ):
            got = statistics.median(rates[clients])
            lines.append(
                Line(
                    what=f"{what}, {clients} client{'s' if clients > 1 else ''}",
                    figure=f"{got:,.0f}/s",
                    beside=f"TPC-B {reference:,.0f}/s",
                    ratio=got / reference,
                    target=target,
                )
            )
    single, crowd = statistics.median(hot[1]), statistics.median(hot[8])
    lines.append(
        Line("one hot wallet, 8 clients beside 1", f"{crowd:,.0f}/s", f"{single:,.0f}/s", crowd / single, target=0.9)
    )
    return lines


def _debit_by_history() -> Line:
    """Turn by turn in a wallet with ten spent grants and in one with a hundred thousand; medians of each."""
    shallow, deep = (_wallet_with_history(grants=count, entries=count) for count in (SHALLOW, DEEP))
    short, long = _alternate([_spender(0, lambda: shallow.pk), _spender(1, lambda: deep.pk)], turns=1_000)
    return Line(
        f"debit with {DEEP:,} spent grants and entries",
        f"{long:.0f} µs",
        f"with {SHALLOW}: {short:.0f} µs",
        long / short,
        limit=1.2,
    )


def _read_by_history() -> Line:
    from credits.models import Wallet

    now = datetime.now(UTC)
    few, many = (_wallet_with_history(grants=10, entries=count) for count in (FEW_ENTRIES, MANY_ENTRIES))
    short, long = _alternate(
        [partial(Wallet.objects.state, organization=one, unit="usd", at=now) for one in (few, many)], turns=2_000
    )
    return Line(
        f"wallet read at {MANY_ENTRIES:,} entries",
        f"{long:.0f} µs",
        f"at {FEW_ENTRIES:,}: {short:.0f} µs",
        long / short,
        limit=1.1,
    )


def _batch(organizations: list[int]) -> Line:
    from credits.services.spending import Debit, spend_batch

    taken = []
    for _ in range(ROUNDS):
        run, now = uuid4().hex, datetime.now(UTC)
        debits = [
            Debit(organization_id=pk, unit=unit, amount=Decimal("0.5"), reference=f"settle:{run}:{pk}:{unit}", at=now)
            for unit in UNITS
            for pk in organizations
        ]
        random.shuffle(debits)
        started = time.perf_counter()
        spend_batch(debits=debits, now=now)
        taken.append(time.perf_counter() - started)
    seconds = statistics.median(taken)
    return Line(
        f"{len(organizations) * len(UNITS):,} tally-style debits in a batch", f"{seconds:.2f} s", "", seconds, limit=1.0
    )


def _alternate(steps: Sequence[Callable[[], object]], *, turns: int) -> list[float]:
    """The median microseconds of each step, taken turn by turn so that a noisy moment hits all alike."""
    for step in [*steps] * 20:
        step()
    taken: list[list[float]] = [[] for _ in steps]
    for _ in range(turns):
        for step, times in zip(steps, taken, strict=True):
            started = time.perf_counter()
            step()
            times.append((time.perf_counter() - started) * 1e6)
    return [statistics.median(times) for times in taken]


def _make_wallets() -> list[int]:
    from django.db import transaction

    from accounts.models import Organization
    from credits.models import Unit
    from credits.services.grants import grant_credits

    Unit.objects.bulk_create(Unit(code=code, name=code) for code in UNITS)
    organizations = Organization.objects.bulk_create(
        Organization(name=f"Bench {number}", email="bench@example.com") for number in range(ORGANIZATIONS)
    )
    now = datetime.now(UTC)
    with transaction.atomic():
        for organization, unit in itertools.product(organizations, UNITS):
            grant_credits(
                organization=organization,
                unit=unit,
                amount=10_000_000,
                source="staff",
                reference=f"bench:{organization.pk}:{unit}",
                announce=False,
                now=now,
            )
    return [organization.pk for organization in organizations]


def _wallet_with_history(*, grants: int, entries: int) -> "Organization":
    """A wallet with so many spent grants and entries behind it, written straight into the tables; one grant lives."""
    from django.db import connection

    from accounts.models import Organization
    from credits.services.grants import grant_credits
    from credits.services.wallets import ensure_wallet

    organization = Organization.objects.create(name="History", email="history@example.com")
    wallet = ensure_wallet(organization=organization, unit="usd")
    names: dict[str, int | str] = {"wallet": wallet.pk, "grants": grants, "entries": entries, "run": uuid4().hex[:12]}
    with connection.cursor() as cursor:
        for statement in _HISTORY:
            cursor.execute(statement, names)
    now = datetime.now(UTC)
    grant_credits(
        organization=organization,
        unit="usd",
        amount=10_000_000,
        source="staff",
        reference=f"bench:{uuid4().hex}",
        announce=False,
        now=now,
    )
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE credits_creditgrant, credits_ledgerentry")
    return organization


# Each grant is issued with as many credits as there are entries for it to lose one by one, beginning with its own.
_HISTORY = (
    """
    INSERT INTO credits_creditgrant (
        public_id, wallet_id, amount, remaining, held, priority, expires_at, source, reason, paid_currency, created_at
    )
    SELECT 'grant_' || %(run)s || number, %(wallet)s, 1, 0, 0, 50, now() + interval '1 year', 'staff', '', '',
           now() - interval '40 days'
    FROM generate_series(1, %(grants)s) number
    """,
    """
    INSERT INTO credits_ledgerentry (
        wallet_id, sequence, grant_id, kind, amount, balance_after, consumed_after, reference, fingerprint, reason,
        event_at, created_at
    )
    SELECT %(wallet)s, number, lots.ids[1 + (number - 1) / 2 %% %(grants)s],
           CASE number %% 2 WHEN 1 THEN 'grant' ELSE 'spend' END, CASE number %% 2 WHEN 1 THEN 1 ELSE -1 END,
           number %% 2, number / 2, 'bench:' || %(run)s || ':' || number, '', '',
           now() - interval '40 days', now() - interval '40 days'
    FROM generate_series(1, %(entries)s) number,
         (SELECT array_agg(id ORDER BY id) AS ids FROM credits_creditgrant WHERE wallet_id = %(wallet)s) lots
    """,
    "UPDATE credits_wallet SET last_sequence = %(entries)s, consumed = %(entries)s / 2 WHERE id = %(wallet)s",
)
