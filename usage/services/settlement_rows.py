"""Writing down what was settled: the rows that keep it, what goes back to wallets, and what windows bill.

`save_settlements` is the last step of `settlement.py`; `store_billed_totals` hands what a window bills to
`plans/services/billed_usage.py`, which brings it to Stripe.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import NamedTuple

from accounts.models import Organization
from core import sql_arrays
from core.money import minor_digits
from core.prepared_statements import prepared_cursor
from core.quantities import ZERO
from credits.services.spending import restore
from plans.models import Meter
from plans.services.billed_usage import store_billed_total
from usage.models import Settlement, SettlementDraw
from usage.services.segment_payments import SegmentKey, SegmentPayment
from usage.services.settlement_windows import UsedWindow

SAVE_SQL = """
INSERT INTO usage_settlement
    (organization_id, meter_id, window_start, segment_start, used, included, events, overage, from_credits, billed,
     unpaid, revision, settled_at)
SELECT settled.*, %s
  FROM unnest(%s::bigint[], %s::bigint[], %s::timestamptz[], %s::timestamptz[], %s::numeric[], %s::numeric[],
              %s::bigint[], %s::numeric[], %s::numeric[], %s::numeric[], %s::numeric[], %s::integer[]) AS settled
 ORDER BY 1, 2, 3, 4
    ON CONFLICT (organization_id, meter_id, window_start, segment_start) DO UPDATE
   SET used = excluded.used, included = excluded.included, events = excluded.events, overage = excluded.overage,
       from_credits = excluded.from_credits, billed = excluded.billed, unpaid = excluded.unpaid,
       revision = excluded.revision, settled_at = excluded.settled_at
RETURNING organization_id, meter_id, window_start, segment_start, id
"""
SAVE_DRAWS_SQL = """
INSERT INTO usage_settlementdraw
    (settlement_id, unit_id, reference, quantity, charged, restored_quantity, restored, created_at)
SELECT drawn.*, 0, 0, %s
  FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::numeric[], %s::numeric[]) AS drawn
"""


def save_settlements(payments: Sequence[SegmentPayment], *, now: datetime) -> None:
    """Keep what was paid and how, and give back what is no longer owed. The credits have been drawn."""
    if not payments:
        return
    ids = _save(payments, now)
    draws: list[_Draw] = []
    for payment in payments:
        settlement_id = ids[payment.segment_key]
        draws += _draws(settlement_id, payment, now)
        _give_back(settlement_id, payment, now)
    if draws:
        _save_draws(draws, now)


def store_billed_totals(windows: Iterable[UsedWindow], *, now: datetime) -> None:
    """Have `plans` store what each window bills by now, all its segments together."""
    for window in windows:
        organization_id, meter_id = window.key
        quantity, amount, currency = _billed_total(window)
        if currency is None:
            continue
        store_billed_total(
            organization=Organization.objects.get(pk=organization_id),
            meter=Meter.objects.get(pk=meter_id),
            window_start=window.start,
            window_end=window.end,
            quantity=quantity,
            amount=amount,
            currency=currency,
            now=now,
        )


def _billed_total(window: UsedWindow) -> tuple[Decimal, int, str | None]:
    """Quantity, minor units and currency; every segment's part at its own price, and only the whole is rounded."""
    organization_id, meter_id = window.key
    settlements = Settlement.objects.filter(
        organization_id=organization_id, meter_id=meter_id, window_start=window.start
    )
    billed = {settlement.segment_start: settlement.billed for settlement in settlements}
    quantity, amount, currency = ZERO, ZERO, None
    for segment in window.segments:
        if segment.start not in billed or segment.terms is None or segment.terms.bill is None:
            continue
        currency, bill, more = segment.terms.currency, segment.terms.bill, billed[segment.start]
        amount += bill.exact_cost(quantity + more) - bill.exact_cost(quantity)
        quantity += more
    if currency is None:
        return quantity, 0, None
    minor = amount.scaleb(minor_digits(currency)).quantize(Decimal(1), rounding=ROUND_HALF_UP)
    return quantity, int(minor), currency


def _save(payments: Sequence[SegmentPayment], now: datetime) -> dict[SegmentKey, int]:
    """Returns the settlements' primary keys. In SQL, since the ORM takes three times as long for thousands of rows."""
    organizations, meters, windows, segments, *figures = zip(
        *((*payment.segment_key, *_figures(payment)) for payment in payments), strict=True
    )
    keys = [
        sql_arrays.numbers(organizations),
        sql_arrays.numbers(meters),
        sql_arrays.repeated(windows),
        sql_arrays.repeated(segments),
    ]
    with prepared_cursor() as cursor:
        cursor.execute(SAVE_SQL, [now, *keys, *(sql_arrays.numbers(column) for column in figures)])
        return {(row[0], row[1], row[2], row[3]): row[4] for row in cursor.fetchall()}


def _figures(payment: SegmentPayment) -> tuple[Decimal | int | None, ...]:
    last, coverage = payment.segment.last, payment.coverage
    if payment.is_slice:
        used, events = (last.used, last.events) if last else (ZERO, 0)
    else:
        used, events = payment.segment.used, payment.segment.events
    return (
        used,
        payment.included,
        events,
        coverage.total,
        coverage.from_credits,
        coverage.billed,
        coverage.unpaid,
        payment.revision,
    )


class _Draw(NamedTuple):
    settlement_id: int
    unit: str
    reference: str
    quantity: Decimal
    charged: Decimal


def _draws(settlement_id: int, payment: SegmentPayment, now: datetime) -> Iterable[_Draw]:
    for unit, cover in payment.coverage.credits.items():
        earlier = payment.segment.coverage.cover_of(unit)
        charged = payment.movements.get(unit, ZERO)
        reference = payment.reference(unit)
        if payment.unusable.get(unit):
            restore(reference=f"{reference}:rest", original_reference=reference, amount=payment.unusable[unit], now=now)
        if cover.quantity > earlier.quantity or charged > 0:
            yield _Draw(
                settlement_id,
                unit,
                payment.references.get(unit, reference),
                max(cover.quantity - earlier.quantity, ZERO),
                max(charged, ZERO),
            )


def _save_draws(draws: Sequence[_Draw], now: datetime) -> None:
    settlements, units, references, quantities, charged = zip(*draws, strict=True)
    with prepared_cursor() as cursor:
        cursor.execute(
            SAVE_DRAWS_SQL,
            [
                now,
                sql_arrays.numbers(settlements),
                sql_arrays.texts(units),
                sql_arrays.texts(references),
                sql_arrays.numbers(quantities),
                sql_arrays.numbers(charged),
            ],
        )


def _give_back(settlement_id: int, payment: SegmentPayment, now: datetime) -> None:
    """Last drawn first: the unit drawn last (which the engine decides), and of a unit the newest draw."""
    for unit, earlier in payment.segment.coverage.credits.items():
        cover = payment.coverage.cover_of(unit)
        quantity, amount = earlier.quantity - cover.quantity, earlier.charged - cover.charged
        if quantity <= 0 and amount <= 0:
            continue
        for draw in SettlementDraw.objects.filter(settlement=settlement_id, unit_id=unit).order_by("-pk"):
            part_quantity = min(max(quantity, ZERO), draw.quantity - draw.restored_quantity)
            part_amount = min(max(amount, ZERO), draw.charged - draw.restored)
            if part_amount:
                reference = f"{payment.reference(unit)}:back:{draw.pk}"
                restore(reference=reference, original_reference=draw.reference, amount=part_amount, now=now)
            if part_amount or part_quantity:
                draw.restored_quantity += part_quantity
                draw.restored += part_amount
                draw.save(update_fields=["restored_quantity", "restored"])
            quantity, amount = quantity - part_quantity, amount - part_amount
