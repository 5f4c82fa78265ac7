"""What was used and how it was paid, by day and by month."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

from accounts.models import Organization
from core.quantities import ZERO
from plans.engine.terms import segment_around
from plans.engine.windows import add_months
from plans.models import Meter
from plans.terms_in_force import timelines_for
from usage.engine.history import Day, spread
from usage.models import UsageCounter
from usage.services.counters import read_totals
from usage.services.settlement_windows import WindowQuery, used_windows

MONTHS = 12


@dataclass(slots=True)
class Point:
    """One day, or one month by its first day. `quantity` is everything reported, `billable` what counts."""

    start: date
    quantity: Decimal = ZERO
    billable: Decimal = ZERO
    from_allowance: Decimal = ZERO
    from_credits: Decimal = ZERO
    billed: Decimal = ZERO
    unpaid: Decimal = ZERO


def usage_by_day(*, organization: Organization, meter: Meter, first: date, last: date, now: datetime) -> list[Point]:
    """Every day (UTC) from `first` to `last`, with zeros where nothing was used."""
    points = [Point(first + timedelta(days=number)) for number in range((last - first).days + 1)]
    by_date = {point.start: point for point in points}
    since = datetime.combine(first, time(), UTC)
    key = (organization.pk, meter.pk)
    timelines = timelines_for(organization_ids=[organization.pk], since=since)
    start = timelines[organization.pk].terms_at(since).window.start
    windows = used_windows(
        [WindowQuery(key, meter.code, meter.aggregation, since)],
        timelines=timelines,
        totals=read_totals({key: start}),
        until=max(now, since),
    )
    is_reading = meter.aggregation == Meter.Aggregation.LATEST
    days = _days(organization, meter, start)
    for window in windows:
        starts = [segment.start for segment in window.segments]
        days_of: list[list[Day]] = [[] for _ in starts]
        for segment_start, day in days.get(window.start, []):
            days_of[segment_around(segment_start, starts)].append(day)
        for segment, mine in zip(window.segments, days_of, strict=True):
            for part in spread(
                mine,
                used=segment.used,
                overage=segment.overage,
                credits=segment.coverage.from_credits,
                billed=segment.coverage.billed,
                is_reading=is_reading,
            ):
                if point := by_date.get(part.day):
                    point.quantity += part.quantity
                    point.billable += part.billable
                    point.from_allowance += part.included
                    point.from_credits += part.credits
                    point.billed += part.billed
                    point.unpaid += part.unpaid
    return points


def by_month(points: Iterable[Point], *, is_reading: bool) -> list[Point]:
    """The same by calendar month: sums, and of readings the highest (of what they cost, the sum)."""
    months: dict[date, Point] = {}
    for point in points:
        month = months.setdefault(point.start.replace(day=1), Point(point.start.replace(day=1)))
        for name in ("quantity", "from_credits", "billed", "unpaid"):
            setattr(month, name, getattr(month, name) + getattr(point, name))
        for name in ("billable", "from_allowance"):
            before, more = getattr(month, name), getattr(point, name)
            setattr(month, name, max(before, more) if is_reading else before + more)
    return list(months.values())


def a_year_back(today: date) -> date:
    """The first day of the twelve calendar months that end with this one."""
    return add_months(datetime(today.year, today.month, 1, tzinfo=UTC), 1 - MONTHS).date()


def _days(organization: Organization, meter: Meter, since: datetime) -> dict[datetime, list[tuple[datetime, Day]]]:
    """By window: the days with something on them, oldest first, each with the segment it lies in."""
    counters = UsageCounter.objects.filter(organization=organization, meter=meter, window_start__gte=since)
    found: dict[datetime, list[tuple[datetime, Day]]] = defaultdict(list)
    for counter in counters.order_by("window_start", "segment_start", "day"):
        day = Day(counter.day, counter.quantity, counter.billable)
        found[counter.window_start].append((counter.segment_start, day))
    return found
