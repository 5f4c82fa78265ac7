"""How a window's payment spreads over its days: what is included is used first, then credits, then bills."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from core.quantities import ZERO


@dataclass(frozen=True, slots=True)
class Day:
    """What one day of a segment counted; of readings the highest."""

    day: date
    quantity: Decimal
    billable: Decimal


@dataclass(frozen=True, slots=True)
class SpreadDay:
    """A day, and how its part was paid. `included` is what no overage falls on."""

    day: date
    quantity: Decimal
    billable: Decimal
    included: Decimal
    credits: Decimal
    billed: Decimal
    unpaid: Decimal


def spread(
    days: Iterable[Day], *, used: Decimal, overage: Decimal, credits: Decimal, billed: Decimal, is_reading: bool
) -> Iterator[SpreadDay]:
    """Days of one segment, oldest first. `used` is the window's total at its end, of which `overage` was to be paid:
    the last of it, since what is included goes first.
    """
    days = list(days)
    reached = ZERO if is_reading else used - sum(day.billable for day in days)
    paid = ZERO
    for day in days:
        reached = max(reached, day.billable) if is_reading else reached + day.billable
        beyond = min(max(reached - (used - overage), ZERO), overage)
        mine = max(beyond - paid, ZERO)
        from_credits = _share(paid, beyond, ZERO, credits)
        from_bill = _share(paid, beyond, credits, credits + billed)
        yield SpreadDay(
            day.day,
            day.quantity,
            day.billable,
            included=max(day.billable - mine, ZERO),
            credits=from_credits,
            billed=from_bill,
            unpaid=mine - from_credits - from_bill,
        )
        paid = max(paid, beyond)


def _share(start: Decimal, end: Decimal, low: Decimal, high: Decimal) -> Decimal:
    """How much of the span from `start` to `end` lies between `low` and `high`."""
    return max(min(end, high) - max(start, low), ZERO)
