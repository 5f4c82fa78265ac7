"""`[[meters]]`: what is measured, which events count, and what it costs in credits."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from core.errors import InvalidInput
from payments.catalogue_file import (
    Change,
    Choice,
    Code,
    Field,
    Flag,
    Reference,
    Section,
    Table,
    Tables,
    Text,
    Texts,
    Whole,
)
from payments.catalogue_file.fields import Entry, Refused
from plans.catalogue_file.ladders import check_ladder, ladder_entry, ladder_fields, ladder_of
from plans.catalogue_file.saving import save_row
from plans.engine.billable_rules import InvalidRule, PropertyBound
from plans.models import CreditRate, Meter


@dataclass(frozen=True)
class PropertyBounds(Field):
    """`{ tokens = { minimum = "1", maximum = "100000" } }`"""

    def parse(self, value: Any) -> dict[str, dict[str, str]]:
        try:
            bounds = PropertyBound.parse_all(value)
        except InvalidRule as problem:
            raise Refused(str(problem)) from None
        ends = {bound.name: {"minimum": bound.minimum, "maximum": bound.maximum} for bound in bounds}
        return {name: {end: f"{n:f}" for end, n in pair.items() if n is not None} for name, pair in ends.items()}


def check_meter(entry: Entry) -> Iterator[tuple[str, str]]:
    units = [rate["unit"] for rate in entry.get("credit_rates", [])]
    if len(units) != len(set(units)):
        yield "credit_rates", "name a unit twice; each unit has one rate"


def save_meter(*, entry: Entry, now: datetime) -> Change:
    columns: dict[str, Any] = {
        name: entry[name] for name in ("name", "aggregation", "unit_name", "retired") if name in entry
    }
    if "billable" in entry:
        rule = entry["billable"]
        columns |= {
            "billable_statuses": rule.get("statuses", ["success"]),
            "min_duration_ms": rule.get("min_duration_ms"),
            "max_latency_ms": rule.get("max_latency_ms"),
            "property_bounds": rule.get("properties", {}),
        }
    present = Meter.objects.filter(code=entry["code"]).first()
    if present and columns.get("aggregation", present.aggregation) != present.aggregation:
        raise InvalidInput(
            f"is {present.aggregation!r} and stays so: counters rest on it. Make another meter instead.",
            field="aggregation",
        )
    return save_row(Meter, entry["code"], columns, {"credit_rates": lambda meter: _save_rates(meter, entry)})


def _save_rates(meter: Meter, entry: Entry) -> bool:
    if "credit_rates" not in entry:
        return False
    wanted = [(rate["unit"], ladder_of(rate)) for rate in entry["credit_rates"]]
    if [(rate.unit_id, rate.ladder) for rate in meter.credit_rates.all()] == wanted:
        return False
    meter.credit_rates.all().delete()
    for position, (unit, ladder) in enumerate(wanted):
        CreditRate.objects.create(meter=meter, unit_id=unit, ladder=ladder, position=position)
    return True


def read_meters() -> Iterator[Entry]:
    for meter in Meter.objects.prefetch_related("credit_rates"):
        yield {
            "code": meter.code,
            "name": meter.name,
            "aggregation": meter.aggregation,
            "unit_name": meter.unit_name,
            "retired": meter.retired or None,
            "billable": {
                "statuses": meter.billable_statuses,
                "min_duration_ms": meter.min_duration_ms,
                "max_latency_ms": meter.max_latency_ms,
                "properties": meter.property_bounds or None,
            },
            "credit_rates": [{"unit": rate.unit_id} | ladder_entry(rate.ladder) for rate in meter.credit_rates.all()],
        }


METERS = Section(
    name="meters",
    order=30,
    fields={
        "code": Code(max_length=60),
        "name": Text(max_length=120),
        "aggregation": Choice(choices=Meter.Aggregation.values),
        "unit_name": Text(max_length=60),
        "retired": Flag(),
        "billable": Table(
            fields={
                "statuses": Texts(max_length=60, optional=True),
                "min_duration_ms": Whole(optional=True),
                "max_latency_ms": Whole(optional=True),
                "properties": PropertyBounds(optional=True),
            },
            optional=True,
        ),
        "credit_rates": Tables(
            fields={"unit": Reference(section="units"), **ladder_fields()},
            check=lambda entry: check_ladder(entry, required=True),
            optional=True,
            inline=False,
        ),
    },
    known=lambda: Meter.objects.values_list("code", flat=True),
    save=save_meter,
    read=read_meters,
    check=check_meter,
)
