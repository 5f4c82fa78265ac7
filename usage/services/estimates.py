"""What a window costs so far, when what is left runs out, and what other plans would have cost."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal

from accounts.models import Organization
from core.money import Money, minor_digits
from core.quantities import STEP, ZERO
from plans.engine import price_ladders
from plans.models import Allowance, Meter, Plan, Subscription
from usage.services.history import a_year_back, by_month, usage_by_day
from usage.services.meter_snapshots import MeterSnapshot

SECONDS_A_DAY = Decimal(86_400)
MONTHS_COMPARED = 3


@dataclass(frozen=True, slots=True)
class Forecast:
    """At the pace of the window so far: so much per day, so much by its end, and when what is included is used up."""

    per_day: Decimal
    by_the_end: Decimal
    runs_out_at: datetime | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """What a plan would have cost per month, on average of the months compared, with the same usage."""

    plan: Plan
    money: Money
    is_current: bool
    blocked: tuple[str, ...]


def forecast(snapshot: MeterSnapshot) -> Forecast | None:
    """None for readings, which do not add up, and before anything was used."""
    used = snapshot.use.used
    elapsed = Decimal(str((snapshot.at - snapshot.window.start).total_seconds()))
    if snapshot.meter.aggregation == Meter.Aggregation.LATEST or not used or elapsed < SECONDS_A_DAY:
        return None
    per_day = (used / (elapsed / SECONDS_A_DAY)).quantize(STEP)
    left = Decimal(str((snapshot.window.end - snapshot.at).total_seconds())) / SECONDS_A_DAY
    runs_out_at = None
    if per_day and snapshot.remaining is not None:
        days = snapshot.remaining / per_day
        runs_out_at = snapshot.at + timedelta(days=float(days)) if days <= left else None
    return Forecast(per_day, (used + per_day * left).quantize(STEP), runs_out_at)


def billed_so_far(snapshot: MeterSnapshot) -> int:
    """Minor units: what the window's overage is to cost in money by now, settled or not."""
    terms = snapshot.meter_terms
    if terms is None or terms.bill is None or terms.currency is None:
        return 0
    before, open_quantity = snapshot.use.ladder_start.billed, snapshot.use.overage - snapshot.use.coverage.from_credits
    digits = minor_digits(terms.currency)
    if terms.cap is not None:
        open_quantity = price_ladders.affordable_within_cap(
            terms.bill, cap=terms.cap, minor_digits=digits, start=before, wanted=open_quantity
        )
    return price_ladders.money_cost(terms.bill, before + open_quantity, minor_digits=digits)


def compare_plans(*, organization: Organization, now: datetime) -> list[Comparison]:
    """The plans on offer, cheapest first, on the usage of the last full months. Empty without any usage."""
    months = _usage_of_months(organization, now)
    if not any(any(used.values()) for used in months):
        return []
    base = Subscription.objects.base_of(organization)
    current = base.plan_id if base else Plan.objects.get(is_default=True).pk
    offered = Plan.objects.offered_to(organization).for_pricing()
    found = [_comparison(plan, months, plan.pk == current) for plan in offered if not plan.has_commitment]
    return sorted(found, key=lambda one: (bool(one.blocked), one.money.amount))


def _usage_of_months(organization: Organization, now: datetime) -> Sequence[dict[int, Decimal]]:
    """By month and meter, the last full ones; with none of them, the present one as far as it has come."""
    months: dict[object, dict[int, Decimal]] = {}
    for meter in Meter.objects.in_use():
        points = usage_by_day(
            organization=organization, meter=meter, first=a_year_back(now.date()), last=now.date(), now=now
        )
        for month in by_month(points, is_reading=meter.aggregation == Meter.Aggregation.LATEST):
            months.setdefault(month.start, {})[meter.pk] = month.billable
    *full, present = months.values() or [{}]
    used = [month for month in full[-MONTHS_COMPARED:] if any(month.values())]
    return used or [present]


def _comparison(plan: Plan, months: Sequence[dict[int, Decimal]], is_current: bool) -> Comparison:
    price = plan.price("month")
    currency = plan.currency or "usd"
    costs = [sum((_overage_cost(allowance, month) for allowance in plan.allowances.all()), ZERO) for month in months]
    average = (sum(costs, ZERO) / len(costs)).quantize(Decimal(1), rounding=ROUND_HALF_UP)
    blocked = {
        allowance.meter.name
        for allowance in plan.allowances.all()
        for month in months
        if not allowance.is_billed and _overage(allowance, month)
    }
    missing = {pk for month in months for pk, used in month.items() if used} - {
        allowance.meter_id for allowance in plan.allowances.all()
    }
    names = Meter.objects.filter(pk__in=missing).values_list("name", flat=True)
    return Comparison(
        plan,
        Money((price.amount if price else 0) + int(average), currency),
        is_current,
        tuple(sorted(blocked | set(names))),
    )


def _overage(allowance: Allowance, month: dict[int, Decimal]) -> Decimal:
    used = month.get(allowance.meter_id, ZERO)
    return ZERO if allowance.included is None else max(used - allowance.included, ZERO)


def _overage_cost(allowance: Allowance, month: dict[int, Decimal]) -> Decimal:
    overage = _overage(allowance, month)
    if not overage or allowance.bill_ladder is None or allowance.plan.currency is None:
        return ZERO
    cost = price_ladders.money_cost(allowance.bill_ladder, overage, minor_digits=minor_digits(allowance.plan.currency))
    return Decimal(min(cost, allowance.cap_amount) if allowance.cap_amount is not None else cost)
