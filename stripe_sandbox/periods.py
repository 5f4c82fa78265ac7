"""Calendar arithmetic of billing periods, in UTC, on an anchor that does not drift (31 Jan -> 28 Feb -> 31 Mar)."""

from __future__ import annotations

import calendar
from datetime import UTC, datetime, timedelta


def add_months(moment: int, months: int) -> int:
    """``months`` after ``moment`` on the same day of the month, or its last day where there is none."""
    start = datetime.fromtimestamp(moment, UTC)
    year, month = divmod(start.year * 12 + start.month - 1 + months, 12)
    day = min(start.day, calendar.monthrange(year, month + 1)[1])
    return int(start.replace(year=year, month=month + 1, day=day).timestamp())


def nth(anchor: int, interval: str, count: int, n: int) -> int:
    """The ``n``-th boundary of a series of periods counted from the anchor (``n`` may be negative)."""
    if interval == "month":
        return add_months(anchor, count * n)
    if interval == "year":
        return add_months(anchor, 12 * count * n)
    days = count * n * (7 if interval == "week" else 1)
    return int((datetime.fromtimestamp(anchor, UTC) + timedelta(days=days)).timestamp())


def next_boundary(anchor: int, interval: str, count: int, after: int) -> int:
    """The first boundary of the series later than ``after``."""
    days = {"day": 1, "week": 7, "month": 28, "year": 365}[interval] * count
    n = max(0, (after - anchor) // (days * 86400)) + 1
    while nth(anchor, interval, count, n) <= after:
        n += 1
    while nth(anchor, interval, count, n - 1) > after:
        n -= 1
    return nth(anchor, interval, count, n)
