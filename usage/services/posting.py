"""One segment's payment, from what was decided to the rows that keep it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from credits.services.spending import restore
from usage.engine.settlement import Before, Cover, Settled
from usage.models import Settlement, SettlementDraw
from usage.services.states import Key
from usage.services.windows import Part, UsedWindow

ZERO = Decimal(0)
STAMP = "%Y%m%dT%H%M%S.%f"
SETTLEMENT_FIELDS = [
    "used",
    "included",
    "events",
    "overage",
    "from_credits",
    "billed",
    "unpaid",
    "revision",
    "settled_at",
]


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
        stem = f"settle:{organization}:{meter}:{window.strftime(STAMP)}:{segment.strftime(STAMP)}"
        return f"{stem}:{unit}:{self.revision}"

    def covered_before(self, unit: str) -> Decimal:
        """How far the unit's ladder was climbed before this posting: by earlier segments, and by this one so far."""
        return self.before.credits.get(unit, ZERO) + self.part.paid.credits.get(unit, Cover()).quantity


def write(postings: Sequence[Posting], *, now: datetime) -> None:
    """Keep what was paid and how, and give back what is no longer owed. The draws have been posted."""
    rows = [_row(posting, now) for posting in postings]
    Settlement.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["organization", "meter", "window_start", "segment_start"],
        update_fields=SETTLEMENT_FIELDS,
    )
    draws: list[SettlementDraw] = []
    for row, posting in zip(rows, postings, strict=True):
        draws += _draws(row, posting, now)
        _give_back(row, posting, now)
    SettlementDraw.objects.bulk_create(draws)


def _row(posting: Posting, now: datetime) -> Settlement:
    organization, meter = posting.key
    row = posting.part.row
    keeps = posting.keeps_totals
    return Settlement(
        organization_id=organization,
        meter_id=meter,
        window_start=posting.window.window.start,
        segment_start=posting.part.segment_start,
        used=(row.used if row else ZERO) if keeps else posting.part.used,
        events=(row.events if row else 0) if keeps else posting.part.events,
        included=posting.included,
        overage=posting.overage,
        from_credits=sum((cover.quantity for cover in posting.settled.credits.values()), ZERO),
        billed=posting.settled.billed,
        unpaid=posting.settled.unpaid,
        revision=posting.revision,
        settled_at=now,
    )


def _draws(row: Settlement, posting: Posting, now: datetime) -> Iterable[SettlementDraw]:
    for unit, cover in posting.settled.credits.items():
        before = posting.part.paid.credits.get(unit, Cover())
        charged = posting.movements.get(unit, ZERO)
        if posting.dust.get(unit):
            reference = posting.reference(unit)
            restore(reference=f"{reference}:rest", original_reference=reference, amount=posting.dust[unit], now=now)
        if cover.quantity > before.quantity or charged > 0:
            yield SettlementDraw(
                settlement=row,
                unit_id=unit,
                reference=posting.references.get(unit, posting.reference(unit)),
                quantity=max(cover.quantity - before.quantity, ZERO),
                charged=max(charged, ZERO),
                created_at=now,
            )


def _give_back(row: Settlement, posting: Posting, now: datetime) -> None:
    """Last drawn first: the unit drawn last (which the engine decides), and of a unit the newest draw."""
    for unit, before in posting.part.paid.credits.items():
        after = posting.settled.credits.get(unit, Cover())
        quantity, amount = before.quantity - after.quantity, before.charged - after.charged
        if quantity <= 0 and amount <= 0:
            continue
        for draw in row.draws.filter(unit_id=unit).order_by("-pk"):
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
