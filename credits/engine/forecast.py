"""How fast credits go, when they are gone, and how much to set aside for a job."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import ROUND_CEILING, Decimal

from core.quantities import STEP
from credits.engine.burn_order import Lot, in_burn_order

FAR_AWAY_DAYS = 100_000


def per_day(total: Decimal, *, days: int) -> Decimal:
    """The mean of `total` over `days`, to six places."""
    return (total / days).quantize(STEP)


def runs_out_at(lots: Iterable[Lot], burn_per_day: Decimal, *, at: datetime) -> datetime | None:
    """When the spendable lots are gone if `burn_per_day` (more than zero) goes on from `at`.

    What lapses on the way counts. None when that is centuries away.
    """
    clock, ahead = at, in_burn_order(lots)
    while ahead := [lot for lot in ahead if lot.is_spendable(clock)]:
        lot = ahead.pop(0)
        days = lot.free / burn_per_day
        ends = [clock + timedelta(days=float(days))] if days < FAR_AWAY_DAYS else []
        ends += [lot.expires_at] if lot.expires_at else []
        if not ends:
            return None
        clock = min(ends)
    return clock


def round_up_to_step(amount: Decimal, step: Decimal) -> Decimal:
    """The smallest multiple of `step` that is not less than `amount`."""
    return (amount / step).to_integral_value(rounding=ROUND_CEILING) * step
