"""What windows bill, as `plans` wants to hear it: running totals of the whole window."""

from collections.abc import Iterable
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal

from accounts.models import Organization
from core.money import minor_digits
from core.quantities import ZERO
from plans.models import Meter
from plans.services.billed_usage import report_billed_quantity
from usage.models import Settlement
from usage.services.settlement_windows import UsedWindow


def report_billed(windows: Iterable[UsedWindow], now: datetime) -> None:
    """Tell what each window bills by now, all its segments together."""
    for window in windows:
        organization_id, meter_id = window.key
        quantity, amount, currency = billed_total(window)
        if currency is None:
            continue
        report_billed_quantity(
            organization=Organization.objects.get(pk=organization_id),
            meter=Meter.objects.get(pk=meter_id),
            window_start=window.window.start,
            window_end=window.window.end,
            quantity=quantity,
            amount=amount,
            currency=currency,
            now=now,
        )


def billed_total(window: UsedWindow) -> tuple[Decimal, int, str | None]:
    """Quantity, minor units and currency; every segment's part at its own price, and only the whole is rounded."""
    rows = {
        row.segment_start: row
        for row in Settlement.objects.filter(
            organization_id=window.key[0], meter_id=window.key[1], window_start=window.window.start
        )
    }
    quantity, amount, currency = ZERO, ZERO, None
    for part in window.parts:
        row = rows.get(part.segment_start)
        if row is None or part.terms is None or part.terms.bill is None:
            continue
        currency = part.terms.currency
        amount += part.terms.bill.exact_cost(quantity + row.billed) - part.terms.bill.exact_cost(quantity)
        quantity += row.billed
    if currency is None:
        return quantity, 0, None
    minor = amount.scaleb(minor_digits(currency)).quantize(Decimal(1), rounding=ROUND_HALF_UP)
    return quantity, int(minor), currency
