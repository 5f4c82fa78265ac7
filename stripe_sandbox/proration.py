"""The one proration formula.

    unused = (period end − moment of the change) ÷ (period end − period start), in seconds
    credit = −round(cost of what was, for a whole period × unused)
    charge =  round(cost of what is,  for a whole period × unused)

Each changed item gives one credit line and one charge line; rounding is half up, to whole minor units, line by line. A
preview and the change itself run the same code, so a preview made with the change's ``proration_date`` is exact.
"""

from __future__ import annotations

from decimal import Decimal

from .values import round_half_up


def unused(start: int, end: int, moment: int) -> Decimal:
    """The share of a period that is left at a moment: 1 at its start, 0 at its end."""
    if end <= start:
        return Decimal(0)
    moment = max(start, min(moment, end))
    return Decimal(end - moment) / Decimal(end - start)


def credit(whole_period: Decimal, share: Decimal) -> int:
    """What is given back; zero or negative."""
    return -round_half_up(whole_period * share)


def charge(whole_period: Decimal, share: Decimal) -> int:
    """What is asked for; zero or positive."""
    return round_half_up(whole_period * share)
