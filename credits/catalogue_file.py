"""Units and packs in the catalogue file."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any

from credits.models import CreditPack, Unit
from payments.catalogue_file import (
    Amount,
    Change,
    Choice,
    Code,
    Currency,
    Flag,
    Quantity,
    Reference,
    Section,
    Table,
    Text,
    Whole,
    save_by_code,
)

Entry = dict[str, Any]


def save_unit(*, entry: Entry, now: datetime) -> Change:
    values = {name: value for name, value in entry.items() if name != "code"}
    _, change = save_by_code(Unit, code=entry["code"], values=values)
    return change


def read_units() -> Iterator[Entry]:
    for unit in Unit.objects.order_by("code"):
        yield {
            "code": unit.code,
            "name": unit.name,
            "currency": unit.currency or None,
            "step": unit.step,
            "reserve_floor": unit.reserve_floor or None,
        }


def check_pack(entry: Entry) -> Iterable[tuple[str, str]]:
    fixed, is_open = {"credits", "price"} & set(entry), "open_amount" in entry
    if is_open and fixed:
        yield "open_amount", "stands in place of credits and price; give one or the other"
    if len(fixed) == 1:
        missing = ({"credits", "price"} - fixed).pop()
        yield missing, "is missing: a pack has credits and a price"
    if is_open:
        span = entry["open_amount"]
        if span["minimum"] > span["maximum"]:
            yield "open_amount", f"has a minimum of {span['minimum']:,} above its maximum of {span['maximum']:,}"
        if entry.get("recurring"):
            yield "recurring", "cannot stand with an open amount"
    known = CreditPack.objects.filter(code=entry["code"]).exists()
    if not known and not is_open and not fixed:
        yield "", "needs credits and price, or open_amount"


def save_pack(*, entry: Entry, now: datetime) -> Change:
    values = {name: value for name, value in entry.items() if name not in ("code", "unit", "open_amount", "retired")}
    if "unit" in entry:
        values["unit_id"] = entry["unit"]
    if "open_amount" in entry:
        span = entry["open_amount"]
        values |= {"credits": None, "price": None, "open_minimum": span["minimum"], "open_maximum": span["maximum"]}
    elif "price" in entry:
        values |= {"open_minimum": None, "open_maximum": None}
    before = CreditPack.objects.filter(code=entry["code"]).first()
    if "retired" in entry:
        already = before.retired_at if before else None
        values["retired_at"] = (already or now) if entry["retired"] else None
    _, change = save_by_code(CreditPack, code=entry["code"], values=values)
    return change


def read_packs() -> Iterator[Entry]:
    for pack in CreditPack.objects.order_by("unit", "position", "price", "code"):
        span = {"minimum": pack.open_minimum, "maximum": pack.open_maximum} if pack.is_open else None
        yield {
            "code": pack.code,
            "name": pack.name or None,
            "unit": pack.unit_id,
            "credits": pack.credits,
            "price": pack.price,
            "currency": pack.currency,
            "open_amount": span,
            "valid_days": pack.valid_days,
            "recurring": pack.recurring or None,
            "position": pack.position or None,
            "retired": True if pack.retired_at else None,
        }


UNITS = Section(
    name="units",
    order=10,
    fields={
        "code": Code(max_length=40),
        "name": Text(max_length=80),
        "currency": Currency(optional=True),
        "step": Quantity(optional=True, above_minimum=True),
        "reserve_floor": Quantity(optional=True),
    },
    known=lambda: Unit.objects.values_list("code", flat=True),
    save=save_unit,
    read=read_units,
)

PACKS = Section(
    name="packs",
    order=20,
    fields={
        "code": Code(max_length=64),
        "name": Text(max_length=120, optional=True),
        "unit": Reference(section="units"),
        "credits": Quantity(optional=True, minimum=Decimal(0), above_minimum=True),
        "price": Amount(optional=True, minimum=1),
        "currency": Currency(),
        "open_amount": Table(
            fields={"minimum": Amount(minimum=1), "maximum": Amount(minimum=1)},
            optional=True,
        ),
        "valid_days": Whole(optional=True, maximum=36_500),
        "recurring": Choice(choices=("month", "year"), optional=True),
        "position": Whole(optional=True, maximum=32_767),
        "retired": Flag(),
    },
    known=lambda: CreditPack.objects.values_list("code", flat=True),
    save=save_pack,
    read=read_packs,
    check=check_pack,
)
