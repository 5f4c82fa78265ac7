"""Usage windows: spans of one month, half-open, in UTC. A boundary belongs to the window that it begins."""

import calendar
from dataclasses import dataclass
from datetime import UTC, datetime


@dataclass(frozen=True, slots=True)
class Window:
    """From `start` until just before `end`."""

    start: datetime
    end: datetime

    def __contains__(self, moment: datetime) -> bool:
        return self.start <= moment < self.end


def add_months(anchor: datetime, months: int) -> datetime:
    """The anchor's day and time `months` later, or the last day of a month that is too short for it.

    Always counted from the anchor itself, so 31 Jan → 28 Feb → 31 Mar: a short month leaves no trace.
    """
    year, month = divmod(anchor.year * 12 + anchor.month - 1 + months, 12)
    last_day = calendar.monthrange(year, month + 1)[1]
    return anchor.replace(year=year, month=month + 1, day=min(anchor.day, last_day))


def window_on_anchor(*, anchor: datetime, at: datetime) -> Window:
    """The monthly window around `at` of a plan anchored at `anchor`; `at` may lie before the anchor."""
    anchor, at = anchor.astimezone(UTC), at.astimezone(UTC)
    months = (at.year - anchor.year) * 12 + at.month - anchor.month
    if add_months(anchor, months) > at:
        months -= 1
    return Window(add_months(anchor, months), add_months(anchor, months + 1))


def calendar_month(*, at: datetime) -> Window:
    """The window of an organization without a paid plan: the month of `at`, in UTC."""
    first = at.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return Window(first, add_months(first, 1))
