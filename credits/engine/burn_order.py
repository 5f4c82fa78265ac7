"""In which order lots are spent, and what a draw takes from each: docs/ledger.md, “Fine points”.

Whenever credits are drawn, the SQL decides (`credits/sql/v1/burn_order.sql`). This is the same rule on values: what is
shown and forecast goes by it, and property tests have `draw` as the oracle of the SQL.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from core.quantities import ZERO

DEFAULT_PRIORITY = 50
_NEVER = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lot:
    """A grant as a value. `remaining` includes `held`."""

    id: int
    remaining: Decimal
    created_at: datetime
    public_id: str = ""
    held: Decimal = ZERO
    priority: int = DEFAULT_PRIORITY
    expires_at: datetime | None = None
    paid: bool = False
    frozen_at: datetime | None = None

    @property
    def free(self) -> Decimal:
        return self.remaining - self.held

    def is_live(self, at: datetime) -> bool:
        """At the instant of its expiry a lot is gone; the life of a frozen one stands still."""
        return self.expires_at is None or self.frozen_at is not None or self.expires_at > at

    def is_spendable(self, at: datetime) -> bool:
        return self.frozen_at is None and self.free > 0 and self.is_live(at)


@dataclass(frozen=True, slots=True)
class Draw:
    """So much from one lot."""

    lot: Lot
    amount: Decimal


def burn_key(lot: Lot) -> tuple[int, datetime, bool, datetime, int]:
    """Lower priority, then earliest expiry (never last), then free before paid, then oldest."""
    return (lot.priority, lot.expires_at or _NEVER, lot.paid, lot.created_at, lot.id)


def in_burn_order(lots: Iterable[Lot]) -> list[Lot]:
    return sorted(lots, key=burn_key)


def draw(lots: Iterable[Lot], amount: Decimal, *, at: datetime) -> list[Draw]:
    """Up to `amount` from the lots that are spendable at `at`, in burn order; less when they have less."""
    draws: list[Draw] = []
    wanted = amount
    for lot in in_burn_order(lot for lot in lots if lot.is_spendable(at)):
        if wanted <= 0:
            break
        taken = min(wanted, lot.free)
        draws.append(Draw(lot, taken))
        wanted -= taken
    return draws
