"""One segment's payment, from what was decided to the rows that keep it."""

import functools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from core import sql_arrays
from core.prepared_statements import prepared_cursor
from core.quantities import ZERO
from credits.services.spending import restore
from usage.engine.settlement import Before, Cover, Settled
from usage.models import SettlementDraw
from usage.services.meter_states import Key
from usage.services.settlement_windows import Part, UsedWindow

KEEP_SQL = """
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
KEEP_DRAWS_SQL = """
INSERT INTO usage_settlementdraw
    (settlement_id, unit_id, reference, quantity, charged, restored_quantity, restored, created_at)
SELECT drawn.*, 0, 0, %s
  FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::numeric[], %s::numeric[]) AS drawn
"""

Segment = tuple[int, int, datetime, datetime]
"""Organization, meter, start of the window, start of the segment."""


@dataclass(slots=True, eq=False)
class Posting:
    """How a part is to be paid now. `movements` are credits to draw (positive) or to give back, per unit.

    `references` name draws that were posted otherwise than by `reference` (a hold's capture); `dust` was drawn and buys
    nothing; `short` are the units whose wallets gave less than asked. A slice `keeps_totals`: it only pays.
    """

    window: UsedWindow
    part: Part
    settled: Settled
    movements: dict[str, Decimal]
    before: Before
    at: datetime
    keeps_totals: bool = False
    references: dict[str, str] = field(default_factory=dict)
    dust: dict[str, Decimal] = field(default_factory=dict)
    short: set[str] = field(default_factory=set)

    @property
    def key(self) -> Key:
        return self.window.key

    @property
    def segment(self) -> Segment:
        return (*self.key, self.window.window.start, self.part.segment_start)

    @property
    def revision(self) -> int:
        return (self.part.row.revision if self.part.row else 0) + 1

    @property
    def new_events(self) -> int:
        return 0 if self.keeps_totals else self.part.events - (self.part.row.events if self.part.row else 0)

    @property
    def drawn(self) -> Decimal:
        return sum(self.movements.values(), ZERO)

    @property
    def is_billed_changed(self) -> bool:
        return self.settled.billed != self.part.paid.billed

    @property
    def overage(self) -> Decimal:
        covered = sum((cover.quantity for cover in self.settled.credits.values()), ZERO)
        return covered + self.settled.billed + self.settled.unpaid

    @property
    def says_something_new(self) -> bool:
        row, part = self.part.row, self.part
        if row is None:
            return bool(part.events or self.overage) and not (self.keeps_totals and not self.overage)
        paid = (part.paid.billed, part.paid.unpaid, dict(part.paid.credits))
        is_paid_otherwise = paid != (self.settled.billed, self.settled.unpaid, self.settled.credits)
        is_counted_otherwise = (row.used, row.events, row.included) != (part.used, part.events, self.included)
        return is_paid_otherwise or (is_counted_otherwise and not self.keeps_totals)

    @property
    def included(self) -> Decimal | None:
        return self.part.terms.included if self.part.terms else None

    def reference(self, unit: str) -> str:
        organization, meter = self.key
        window, segment = self.window.window.start, self.part.segment_start
        stem = f"settle:{organization}:{meter}:{_stamp(window)}:{_stamp(segment)}"
        return f"{stem}:{unit}:{self.revision}"

    def covered_before(self, unit: str) -> Decimal:
        """How far the unit's ladder was climbed before this posting: by earlier segments, and by this one so far."""
        return self.before.credits.get(unit, ZERO) + self.part.paid.credits.get(unit, Cover()).quantity


@functools.lru_cache(maxsize=1_000)
def _stamp(moment: datetime) -> str:
    return moment.strftime("%Y%m%dT%H%M%S.%f")


def write(postings: Sequence[Posting], *, now: datetime) -> None:
    """Keep what was paid and how, and give back what is no longer owed. The draws have been posted."""
    if not postings:
        return
    kept = _keep(postings, now)
    draws: list[_Draw] = []
    for posting in postings:
        settlement_id = kept[posting.segment]
        draws += _draws(settlement_id, posting, now)
        _give_back(settlement_id, posting, now)
    if draws:
        _keep_draws(draws, now)


def _keep(postings: Sequence[Posting], now: datetime) -> dict[Segment, int]:
    """Their settlements' primary keys. Written out here: the ORM takes three times as long for thousands of rows."""
    organizations, meters, windows, segments, *figures = zip(
        *((*posting.segment, *_figures(posting)) for posting in postings), strict=True
    )
    keys = [
        sql_arrays.numbers(organizations),
        sql_arrays.numbers(meters),
        sql_arrays.repeated(windows),
        sql_arrays.repeated(segments),
    ]
    with prepared_cursor() as cursor:
        cursor.execute(KEEP_SQL, [now, *keys, *(sql_arrays.numbers(column) for column in figures)])
        return {(row[0], row[1], row[2], row[3]): row[4] for row in cursor.fetchall()}


def _figures(posting: Posting) -> tuple[Decimal | int | None, ...]:
    row, keeps = posting.part.row, posting.keeps_totals
    return (
        (row.used if row else ZERO) if keeps else posting.part.used,
        posting.included,
        (row.events if row else 0) if keeps else posting.part.events,
        posting.overage,
        sum((cover.quantity for cover in posting.settled.credits.values()), ZERO),
        posting.settled.billed,
        posting.settled.unpaid,
        posting.revision,
    )


class _Draw(NamedTuple):
    settlement_id: int
    unit: str
    reference: str
    quantity: Decimal
    charged: Decimal


def _draws(settlement_id: int, posting: Posting, now: datetime) -> Iterable[_Draw]:
    for unit, cover in posting.settled.credits.items():
        before = posting.part.paid.credits.get(unit, Cover())
        charged = posting.movements.get(unit, ZERO)
        reference = posting.reference(unit)
        if posting.dust.get(unit):
            restore(reference=f"{reference}:rest", original_reference=reference, amount=posting.dust[unit], now=now)
        if cover.quantity > before.quantity or charged > 0:
            yield _Draw(
                settlement_id,
                unit,
                posting.references.get(unit, reference),
                max(cover.quantity - before.quantity, ZERO),
                max(charged, ZERO),
            )


def _keep_draws(draws: Sequence[_Draw], now: datetime) -> None:
    settlements, units, references, quantities, charged = zip(*draws, strict=True)
    with prepared_cursor() as cursor:
        cursor.execute(
            KEEP_DRAWS_SQL,
            [
                now,
                sql_arrays.numbers(settlements),
                sql_arrays.texts(units),
                sql_arrays.texts(references),
                sql_arrays.numbers(quantities),
                sql_arrays.numbers(charged),
            ],
        )


def _give_back(settlement_id: int, posting: Posting, now: datetime) -> None:
    """Last drawn first: the unit drawn last (which the engine decides), and of a unit the newest draw."""
    for unit, before in posting.part.paid.credits.items():
        after = posting.settled.credits.get(unit, Cover())
        quantity, amount = before.quantity - after.quantity, before.charged - after.charged
        if quantity <= 0 and amount <= 0:
            continue
        for draw in SettlementDraw.objects.filter(settlement=settlement_id, unit_id=unit).order_by("-pk"):
            part_quantity = min(max(quantity, ZERO), draw.quantity - draw.restored_quantity)
            part_amount = min(max(amount, ZERO), draw.charged - draw.restored)
            if part_amount:
                reference = f"{posting.reference(unit)}:back:{draw.pk}"
                restore(reference=reference, original_reference=draw.reference, amount=part_amount, now=now)
            if part_amount or part_quantity:
                draw.restored_quantity += part_quantity
                draw.restored += part_amount
                draw.save(update_fields=["restored_quantity", "restored"])
            quantity, amount = quantity - part_quantity, amount - part_amount
