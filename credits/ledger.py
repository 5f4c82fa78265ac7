"""The one door to wallets, grants and entries.

Every function here (but `issue`, see there) is one round trip to a function of the database (`credits/sql/v1/`), which
locks the wallet, looks the reference up, decides and writes. Outside a transaction each is a transaction of its own;
inside one it is part of it. Refusals come back as values and become exceptions in Python, so a caller's transaction
stays usable. What no column can hold is the one refusal that the database itself makes (`OutOfRange`): it undoes the
transaction.
"""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from django.db import DataError, IntegrityError
from psycopg.errors import NumericValueOutOfRange

from core.errors import OutOfRange
from core.prepared_statements import prepared_cursor
from core.quantities import ZERO
from credits import hooks, low_balance_alerts
from credits.errors import DebtOutstanding, InsufficientCredits, ReferenceConflict
from credits.models import CreditGrant, CreditHold, Unit

UNIQUE_REFERENCES = ("ledger_reference_is_used_once", "hold_reference_is_used_once")


_SPEND_BATCH = (
    "SELECT * FROM ledger_spend_batch(%s::bigint[], %s::text[], %s::numeric[], %s::text[], %s::timestamptz[], %s, %s)"
)
_PLACEHOLDERS = {count: ", ".join(["%s"] * count) for count in range(1, 10)}


class Result(NamedTuple):
    """What a function of the ledger answers; see `ledger_result` in `credits/sql/v1/types.sql`."""

    outcome: str
    wallet_id: int
    subject_id: int
    amount: Decimal
    available: Decimal
    debt: Decimal
    freed: bool
    low: bool

    def refusal(self, *, unit: Unit, required: Decimal) -> DebtOutstanding | InsufficientCredits:
        """Why fewer credits than `required` were given, as the error to raise."""
        available = self.available or ZERO
        if self.outcome == "debt":
            return DebtOutstanding(unit=unit.pk, debt=self.debt, required=required, available=available)
        return InsufficientCredits(unit=unit.pk, required=required, available=available)


class BatchResult(NamedTuple):
    """One debit's part of a batch; `place` counts from 1."""

    place: int
    outcome: str
    wallet_id: int
    amount: Decimal
    freed: bool
    low: bool


def spend(
    *,
    organization_id: int,
    unit: str,
    amount: Decimal,
    reference: str,
    partial: bool,
    reason: str,
    at: datetime,
    now: datetime,
) -> Result:
    """posted, repeated, insufficient, debt, or missing (no wallet)."""
    return _post("ledger_spend", (organization_id, unit, amount, reference, partial, reason, at, now), reference, now)


def spend_batch(
    *,
    organization_ids: Sequence[int],
    units: Sequence[str],
    amounts: Sequence[Decimal],
    references: Sequence[str],
    ats: Sequence[datetime],
    reason: str,
    now: datetime,
) -> list[BatchResult]:
    """One per debit, in the order given: posted, repeated, missing (no wallet), or overdue (sweep it and ask again)."""
    arguments = (list(organization_ids), list(units), list(amounts), list(references), list(ats), reason, now)
    rows = _query(_SPEND_BATCH, arguments, "one of the batch's references")
    results = sorted(BatchResult(*row) for row in rows)
    for result in results:
        if result.outcome == "conflict":
            raise ReferenceConflict(references[result.place - 1])
        _follow_up(result, now)
    return results


def restore(*, original: str, amount: Decimal, reference: str, reason: str, now: datetime) -> Result:
    """posted, repeated, or missing (no spend or capture has this reference)."""
    return _post("ledger_restore", (original, amount, reference, reason, now), reference, now)


def open_hold(
    *,
    organization_id: int,
    unit: str,
    public_id: str,
    amount: Decimal,
    reference: str,
    expires_at: datetime,
    now: datetime,
) -> Result:
    """posted, repeated, insufficient, debt, or missing (no wallet); the hold is the subject."""
    arguments = (organization_id, unit, public_id, amount, reference, expires_at, now)
    return _post("ledger_open_hold", arguments, reference, now)


def end_hold(*, hold: CreditHold, status: str, amount: Decimal | None, now: datetime) -> Result:
    """posted, repeated, or ended (in another way); `debt` is what no credits covered."""
    return _post("ledger_end_hold", (hold.pk, status, amount, now), hold.reference, now)


def draw_or_owe(*, wallet_id: int, amount: Decimal, reference: str, now: datetime) -> Result:
    """posted or repeated; `debt` is what no credits covered."""
    return _post("ledger_draw_or_owe", (wallet_id, amount, reference, now), reference, now)


def issue(*, grant: CreditGrant, reference: str, fingerprint: str, now: datetime) -> Result:
    """posted, or repeated with the first grant as the subject. `grant` is not saved yet and has nothing remaining.

    The one posting in three steps, in the caller's transaction: `ledger_begin` locks the wallet and looks the reference
    up, the row is written empty, and `ledger_issue` posts its amount into it. Refresh the row to see what debt left.
    """
    begun = _post("ledger_begin", (grant.wallet_id, reference, fingerprint, now), reference, now)
    if begun.outcome == "repeated":
        return begun
    grant.save(force_insert=True)
    return _post("ledger_issue", (grant.pk, reference, fingerprint, grant.reason, grant.actor_id, now), reference, now)


def take_back(
    *,
    grant_id: int,
    amount: Decimal,
    owe: bool,
    reference: str,
    reason: str,
    actor_id: int | None,
    now: datetime,
) -> Result:
    """posted or repeated."""
    return _post("ledger_take_back", (grant_id, amount, owe, reference, reason, actor_id, now), reference, now)


def reinstate(
    *,
    grant_id: int,
    original: str,
    until: datetime,
    reference: str,
    reason: str,
    actor_id: int | None,
    now: datetime,
) -> Result:
    """posted, repeated, or missing (nothing of that taking back is left to give)."""
    return _post("ledger_reinstate", (grant_id, original, until, reference, reason, actor_id, now), reference, now)


def freeze(*, grant_id: int, now: datetime) -> Result:
    return _post("ledger_freeze", (grant_id, now), "", now)


def thaw(*, grant_id: int, now: datetime) -> Result:
    return _post("ledger_thaw", (grant_id, now), "", now)


def expire(*, wallet_id: int, at: datetime, now: datetime) -> Result:
    """posted, with the sum that lapsed."""
    return _post("ledger_expire", (wallet_id, at, now), "", now)


def release_overdue(*, wallet_id: int, now: datetime) -> list[CreditHold]:
    """Post the holds of one wallet whose deadline has passed, in the order of their deadlines."""
    ended = []
    for hold in CreditHold.objects.overdue(at=now).filter(wallet_id=wallet_id).order_by("expires_at", "id"):
        result = _post("ledger_end_hold", (hold.pk, CreditHold.Status.EXPIRED, Decimal(0), now), hold.reference, now)
        if result.outcome == "posted":
            hold.status, hold.ended_at = CreditHold.Status.EXPIRED, hold.expires_at
            hooks.hold_expired(hold=hold, now=now)
            ended.append(hold)
    return ended


def _post(function: str, arguments: tuple[Any, ...], reference: str, now: datetime) -> Result:
    """Call one function; release overdue holds first when it asks for that."""
    placeholders = _PLACEHOLDERS[len(arguments)]
    while True:
        rows = _query(f"SELECT * FROM {function}({placeholders})", arguments, reference)  # noqa: S608  our names
        result = Result(*rows[0])
        if result.outcome == "conflict":
            raise ReferenceConflict(reference)
        if result.outcome != "overdue":
            _follow_up(result, now)
            return result
        release_overdue(wallet_id=result.wallet_id, now=now)


def _query(sql: str, arguments: tuple[Any, ...], reference: str) -> list[tuple[Any, ...]]:
    with prepared_cursor() as cursor:
        try:
            cursor.execute(sql, arguments)
        except IntegrityError as error:
            # Two wallets at once with one reference: each had looked before the other wrote.
            if any(name in str(error) for name in UNIQUE_REFERENCES):
                raise ReferenceConflict(reference) from error
            raise
        except DataError as error:
            if isinstance(error.__cause__, NumericValueOutOfRange):
                raise OutOfRange from error
            raise
        return cursor.fetchall()


def _follow_up(result: Result | BatchResult, now: datetime) -> None:
    if result.freed:
        hooks.available(wallet_id=result.wallet_id, now=now)
    if result.low:
        low_balance_alerts.balance_fell(wallet_id=result.wallet_id, now=now)
