"""What wallets have at an instant, read in one query however many grants and entries lie behind them.

`Wallet.objects.state()` asks here; who has several reads to make puts `wallet_lots` beside its own statements.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from core.prepared_statements import Statement
from credits.engine.burn_order import Lot
from credits.engine.wallet_state import Lapsed, WalletState, wallet_state

# A hold past its deadline that the sweep has not met yet is looked for only where something is held at all.
_STATES = """
    SELECT wallet.organization_id, wallet.unit_id, wallet.debt, lot.id, lot.public_id, lot.priority, lot.expires_at,
           lot.is_paid, lot.created_at, lot.remaining, lot.held, lot.frozen_at, lapsed.amounts, lapsed.deadlines
    FROM credits_wallet wallet
    LEFT JOIN credits_creditgrant lot ON lot.wallet_id = wallet.id AND lot.is_open
    LEFT JOIN LATERAL (
        SELECT array_agg(reservation.amount) AS amounts, array_agg(hold.expires_at) AS deadlines
        FROM credits_credithold hold JOIN credits_holdreservation reservation ON reservation.hold_id = hold.id
        WHERE hold.wallet_id = wallet.id AND hold.status = 'open' AND hold.expires_at <= %(at)s
          AND reservation.grant_id = lot.id
    ) lapsed ON lot.held > 0
    WHERE wallet.organization_id
"""


def wallet_lots(*, organization_ids: Sequence[int], at: datetime, units: Iterable[str] = ()) -> Statement:
    """Asks for the rows of `states_of`."""
    codes, one = list(units), len(organization_ids) == 1
    # Of an array's length a prepared statement knows nothing: it would be planned anew each time for one.
    query = _STATES + (" = %(organizations)s" if one else " = ANY(%(organizations)s)")
    query += " AND wallet.unit_id = ANY(%(units)s)" if codes else ""
    return query, {"organizations": organization_ids[0] if one else list(organization_ids), "at": at, "units": codes}


def states_of(rows: Iterable[tuple[Any, ...]], *, at: datetime) -> dict[tuple[int, str], WalletState]:
    """By organization's primary key and unit code."""
    grouped: dict[tuple[int, str], list[tuple[Any, ...]]] = defaultdict(list)
    for organization_id, unit, *rest in rows:
        grouped[organization_id, unit].append(tuple(rest))
    return {wallet: _state(rows_of_one, at) for wallet, rows_of_one in grouped.items()}


def _state(rows: list[tuple[Any, ...]], at: datetime) -> WalletState:
    lots: list[Lot] = []
    lapsed: list[Lapsed] = []
    for _debt, pk, public_id, priority, expires_at, paid, created_at, remaining, held, frozen_at, *overdue in rows:
        if pk is None:
            continue
        lots.append(
            Lot(
                id=pk,
                public_id=public_id,
                priority=priority,
                expires_at=expires_at,
                paid=paid,
                created_at=created_at,
                remaining=remaining,
                held=held,
                frozen_at=frozen_at,
            )
        )
        amounts, deadlines = (values or () for values in overdue)
        lapsed += [Lapsed(pk, amount, deadline) for amount, deadline in zip(amounts, deadlines, strict=True)]
    return wallet_state(lots, debt=rows[0][0], lapsed=lapsed, at=at)
