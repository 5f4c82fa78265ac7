"""Units and packs in the catalogue file."""

from collections.abc import Iterable, Iterator, Set
from datetime import datetime
from typing import Annotated, Self

from core.quantities import ZERO
from credits.models import CreditPack, Unit
from payments.catalogue_file import values
from payments.catalogue_file.entries import Entry, Problem, Table, save_row


class UnitEntry(Entry):
    section = "units"
    order = 10

    code: Annotated[str, values.code(40)]
    name: Annotated[str, values.text(80)]
    currency: values.Currency = ""
    step: values.PositiveQuantity | None = None
    reserve_floor: values.Quantity = ZERO

    @classmethod
    def present(cls) -> Iterator[Self]:
        return map(cls.of_row, Unit.objects.order_by("code"))

    def save(self, *, changed: Set[str], now: datetime) -> None:
        save_row(Unit, self.code, self.as_columns(changed))


class OpenAmountEntry(Table):
    columns = {"minimum": "open_minimum", "maximum": "open_maximum"}

    minimum: values.PositiveAmount
    maximum: values.PositiveAmount


class PackEntry(Entry):
    section = "packs"
    order = 20
    columns = {"unit": "unit_id"}
    alternatives = frozenset({"credits", "price", "open_amount"})

    code: Annotated[str, values.code(64)]
    name: Annotated[str, values.text(120)] = ""
    unit: Annotated[str, values.reference("units")]
    credits: values.PositiveQuantity | None = None
    price: values.PositiveAmount | None = None
    currency: values.Currency
    open_amount: OpenAmountEntry | None = None
    valid_days: Annotated[int, values.whole(0, 36_500)] | None = None
    recurring: Annotated[str, values.one_of(("month", "year"))] = ""
    position: Annotated[int, values.whole(0, 32_767)] = 0
    retired: bool = False

    @classmethod
    def present(cls) -> Iterator[Self]:
        for pack in CreditPack.objects.order_by("unit", "position", "price", "code"):
            open_amount = OpenAmountEntry.of_row(pack) if pack.is_open else None
            yield cls.of_row(pack, open_amount=open_amount, retired=pack.retired_at is not None)

    def problems(self) -> Iterable[Problem]:
        missing = [name for name in ("credits", "price") if getattr(self, name) is None]
        if self.open_amount is None:
            if len(missing) == 2:
                yield "", "needs credits and price, or open_amount"
            elif missing:
                yield missing[0], "is missing: a pack has credits and a price"
            return
        if len(missing) < 2:
            yield "open_amount", "stands in place of credits and price; give one or the other"
        minimum, maximum = self.open_amount.minimum, self.open_amount.maximum
        if minimum > maximum:
            yield "open_amount", f"has a minimum of {minimum:,} above its maximum of {maximum:,}"
        if self.recurring:
            yield "recurring", "cannot stand with an open amount"

    def save(self, *, changed: Set[str], now: datetime) -> None:
        columns = self.as_columns(changed - {"open_amount", "retired"})
        if "open_amount" in changed:
            ends = self.open_amount.as_columns(("minimum", "maximum")) if self.open_amount else {}
            columns |= {"open_minimum": None, "open_maximum": None} | ends
        if "retired" in changed:
            columns["retired_at"] = now if self.retired else None
        save_row(CreditPack, self.code, columns)
