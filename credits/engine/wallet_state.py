"""What a wallet has at an instant, from what was posted and what has lapsed since."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from core.quantities import ZERO
from credits.engine.burn_order import Lot, in_burn_order


@dataclass(frozen=True, slots=True)
class Lapsed:
    """What a hold past its deadline still reserves of a lot: it counts as released at that deadline."""

    lot_id: int
    amount: Decimal
    deadline: datetime


@dataclass(frozen=True, slots=True)
class NextExpiry:
    """How much lapses next unless it is spent, and when (UTC)."""

    amount: Decimal
    at: datetime


@dataclass(frozen=True, slots=True)
class WalletState:
    """Credits at an instant, all in the wallet's unit.

    `available` is what a hold or a spend may use as far as debt allows: with `debt`, both are refused.
    `balance` = `available` + `held` + `frozen` − `debt`. `lots` are the live ones, in burn order.
    """

    balance: Decimal
    held: Decimal
    frozen: Decimal
    available: Decimal
    debt: Decimal
    next_expiry: NextExpiry | None
    lots: Sequence[Lot]

    @property
    def usable(self) -> Decimal:
        """What may be held or spent now: nothing while there is debt."""
        return ZERO if self.debt else self.available


NOTHING = WalletState(ZERO, ZERO, ZERO, ZERO, ZERO, None, ())


def wallet_state(lots: Iterable[Lot], *, debt: Decimal, lapsed: Iterable[Lapsed] = (), at: datetime) -> WalletState:
    """The state at `at`: lapsed holds released (repaying debt first), lapsed lots gone but for what is held of them."""
    by_id = {lot.id: lot for lot in lots}
    for reservation in sorted(lapsed, key=lambda one: one.deadline):
        lot = by_id[reservation.lot_id]
        lives = lot.is_live(reservation.deadline)
        repaid = min(debt, reservation.amount) if lives and lot.frozen_at is None else ZERO
        gone = repaid if lives else reservation.amount
        by_id[lot.id] = replace(lot, held=lot.held - reservation.amount, remaining=lot.remaining - gone)
        debt -= repaid
    live = [lot for lot in by_id.values() if lot.is_live(at) and lot.remaining > 0]
    held = sum((lot.held for lot in by_id.values()), ZERO)
    frozen = sum((lot.free for lot in live if lot.frozen_at is not None), ZERO)
    available = sum((lot.free for lot in live if lot.frozen_at is None), ZERO)
    return WalletState(
        balance=available + held + frozen - debt,
        held=held,
        frozen=frozen,
        available=available,
        debt=debt,
        next_expiry=_next_expiry(live, at),
        lots=tuple(in_burn_order(live)),
    )


def _next_expiry(lots: Iterable[Lot], at: datetime) -> NextExpiry | None:
    ending = [lot for lot in lots if lot.expires_at is not None and lot.is_spendable(at)]
    first = min((lot.expires_at for lot in ending if lot.expires_at), default=None)
    if first is None:
        return None
    return NextExpiry(sum((lot.free for lot in ending if lot.expires_at == first), ZERO), first)
