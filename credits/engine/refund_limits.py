"""What of a paid lot may be refunded, in credits and in money."""

from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_DOWN, Decimal

from core.quantities import STEP, ZERO
from credits.engine.burn_order import Lot


@dataclass(frozen=True, slots=True)
class Refundable:
    """`credits` of the unit are worth `money` minor units of what was paid."""

    credits: Decimal
    money: int


def refundable(lot: Lot, *, amount: Decimal, paid: int, at: datetime) -> Refundable:
    """The unspent, unheld share of a lot of `amount` credits bought for `paid` minor units."""
    if not paid or not lot.is_live(at):
        return Refundable(ZERO, 0)
    return Refundable(lot.free, money_for(lot.free, amount=amount, paid=paid))


def money_for(credits: Decimal, *, amount: Decimal, paid: int) -> int:
    """The price of so many of `amount` credits, pro rata, in minor units; a fraction of the last one stays with us."""
    return int((credits * paid / amount).quantize(Decimal(1), rounding=ROUND_DOWN))


def credits_for(money: int, *, before: int, amount: Decimal, paid: int) -> Decimal:
    """How many of `amount` credits, bought for `paid`, go back with `money` when `before` has gone back already.

    All in minor units. The difference of two totals, each refunded ÷ paid × issued (all of them for all of it), so that
    refunds in parts add up exactly whatever their order, and never to more than was issued.
    """
    return _credits_of_total(before + money, amount, paid) - _credits_of_total(before, amount, paid)


def _credits_of_total(refunded: int, amount: Decimal, paid: int) -> Decimal:
    return amount if refunded >= paid else (amount * refunded / paid).quantize(STEP, rounding=ROUND_DOWN)
