"""`[[plans]]`: what is subscribed to, with prices, allowances and a commitment."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from accounts.models import Organization
from core.errors import InvalidInput
from core.quantities import as_text
from payments.catalogue_file import (
    Amount,
    Change,
    Choice,
    Code,
    Currency,
    Field,
    Flag,
    Quantity,
    Reference,
    Section,
    Table,
    Tables,
    Text,
    Texts,
    Whole,
)
from payments.catalogue_file.fields import Entry
from plans.catalogue_file.ladders import check_ladder, ladder_entry, ladder_fields, ladder_of
from plans.catalogue_file.saving import save_row
from plans.models import Allowance, Commitment, Interval, Meter, Plan, PlanPrice
from plans.services.catalogue import finish_catalogue, make_default, require_sound

BILLED = (Allowance.Beyond.BILL, Allowance.Beyond.CREDITS_THEN_BILL)
UNLIMITED = "unlimited"


def check_allowance(entry: Entry) -> Iterator[tuple[str, str]]:
    billed = entry.get("beyond") in BILLED
    yield from check_ladder(entry, required=billed)
    for name in ("ladder", "package", "cap"):
        if entry.get(name) is not None and not billed:
            yield name, 'only goes with beyond = "bill" or "credits_then_bill"'


def check_plan(entry: Entry) -> Iterator[tuple[str, str]]:
    commitment = entry.get("commitment") or {}
    for name, prices in (("prices", entry.get("prices", [])), ("commitment.prices", commitment.get("prices", []))):
        intervals = [price["interval"] for price in prices]
        if len(intervals) != len(set(intervals)):
            yield name, "give an interval twice"
    meters = [allowance["meter"] for allowance in entry.get("allowances", [])]
    if len(meters) != len(set(meters)):
        yield "allowances", "name a meter twice"
    if commitment.get("maximum") is not None and commitment["maximum"] < commitment.get("minimum", 1):
        yield "commitment.maximum", "lies below the minimum"


def save_plan(*, entry: Entry, now: datetime) -> Change:
    renamed = {"support": "support_level", "sla": "sla"}
    plain = ("name", "description", "public", "retired", "trial_days", "features", "position", *renamed)
    columns: dict[str, Any] = {renamed.get(name, name): entry[name] for name in plain if name in entry}
    if "private_to" in entry:
        columns["private_to"] = _organization(entry["private_to"])
    change = save_row(
        Plan,
        entry["code"],
        columns,
        {
            "default": lambda plan: _save_default(plan, entry),
            "prices": lambda plan: _save_prices(plan, PlanPrice.Component.BASE, entry.get("prices")),
            "allowances": lambda plan: _save_allowances(plan, entry),
            "commitment": lambda plan: _save_commitment(plan, entry),
        },
    )
    require_sound(Plan.objects.for_pricing().get(code=entry["code"]))
    return change


def _save_default(plan: Plan, entry: Entry) -> bool:
    if entry.get("default", plan.is_default) == plan.is_default:
        return False
    if not entry["default"]:
        raise InvalidInput("exactly one plan is the default: set default = true on another instead", field="default")
    make_default(plan=plan)
    return True


def _save_prices(plan: Plan, component: str, prices: list[Entry] | None) -> bool:
    if prices is None:
        return False
    wanted = {price["interval"]: (price["amount"], price["currency"]) for price in prices}
    present = {p.interval: (p.amount, p.currency) for p in plan.prices.filter(component=component)}
    if wanted == present:
        return False
    plan.prices.filter(component=component).exclude(interval__in=wanted).delete()
    for interval, (amount, currency) in wanted.items():
        PlanPrice.objects.update_or_create(
            plan=plan, component=component, interval=interval, defaults={"amount": amount, "currency": currency}
        )
    return True


def _save_allowances(plan: Plan, entry: Entry) -> bool:
    if "allowances" not in entry:
        return False
    wanted = [_allowance_columns(allowance) for allowance in entry["allowances"]]
    present = (
        [
            {name: getattr(allowance, name) for name in wanted[0]}
            for allowance in plan.allowances.select_related("meter")
        ]
        if wanted
        else list(plan.allowances.all())
    )
    if wanted == present:
        return False
    plan.allowances.all().delete()
    for columns in wanted:
        allowance = Allowance(plan=plan, **columns)
        allowance.full_clean()
        allowance.save()
    return True


def _allowance_columns(entry: Entry) -> dict[str, Any]:
    return {
        "meter": Meter.objects.get(code=entry["meter"]),
        "included": None if entry["included"] == UNLIMITED else entry["included"],
        "beyond": entry.get("beyond", Allowance.Beyond.CREDITS),
        "bill_ladder": ladder_of(entry),
        "cap_amount": entry.get("cap"),
        "concurrency": entry.get("concurrency"),
    }


def _save_commitment(plan: Plan, entry: Entry) -> bool:
    if "commitment" not in entry:
        return False
    said = entry["commitment"]
    if said is None:
        _save_prices(plan, PlanPrice.Component.QUANTITY, [])
        return bool(Commitment.objects.filter(plan=plan).delete()[0])
    columns = {
        "meter": Meter.objects.get(code=said["meter"]),
        "minimum": said.get("minimum", 1),
        "bundle": said.get("bundle", 1),
        "maximum": said.get("maximum"),
        "beyond": said.get("beyond", Commitment.Beyond.BLOCK),
    }
    commitment = Commitment.objects.filter(plan=plan).first() or Commitment(plan=plan)
    new = commitment.pk is None or any(getattr(commitment, name) != value for name, value in columns.items())
    if new:
        for name, value in columns.items():
            setattr(commitment, name, value)
        commitment.full_clean()
        commitment.save()
    return _save_prices(plan, PlanPrice.Component.QUANTITY, said["prices"]) or new


def _organization(public_id: str | None) -> Organization | None:
    if public_id is None:
        return None
    organization = Organization.objects.filter(public_id=public_id).first()
    if organization is None:
        raise InvalidInput(f"there is no organization {public_id!r}", field="private_to")
    return organization


def read_plans() -> Iterator[Entry]:
    for plan in Plan.objects.for_pricing().select_related("private_to"):
        commitment = plan.commitment if plan.has_commitment else None
        yield {
            "code": plan.code,
            "name": plan.name,
            "description": plan.description or None,
            "default": plan.is_default or None,
            "public": plan.public,
            "private_to": plan.private_to.public_id if plan.private_to else None,
            "retired": plan.retired or None,
            "trial_days": plan.trial_days,
            "features": plan.features,
            "support": plan.support_level or None,
            "sla": plan.sla or None,
            "position": plan.position,
            "prices": _price_entries(plan, PlanPrice.Component.BASE),
            "allowances": [_allowance_entry(allowance) for allowance in plan.allowances.all()],
            "commitment": {
                "meter": commitment.meter.code,
                "minimum": commitment.minimum,
                "bundle": commitment.bundle,
                "maximum": commitment.maximum,
                "beyond": commitment.beyond,
                "prices": _price_entries(plan, PlanPrice.Component.QUANTITY),
            }
            if commitment
            else None,
        }


def _price_entries(plan: Plan, component: str) -> list[Entry]:
    return [
        {"interval": price.interval, "amount": price.amount, "currency": price.currency}
        for price in plan.prices.all()
        if price.component == component
    ]


def _allowance_entry(allowance: Allowance) -> Entry:
    return {
        "meter": allowance.meter.code,
        "included": UNLIMITED if allowance.included is None else as_text(allowance.included),
        "beyond": allowance.beyond,
        "cap": allowance.cap_amount,
        "concurrency": allowance.concurrency,
    } | ladder_entry(allowance.bill_ladder)


PRICE_FIELDS: dict[str, Field] = {
    "interval": Choice(choices=Interval.values),
    "amount": Amount(),
    "currency": Currency(),
}

PLANS = Section(
    name="plans",
    order=40,
    fields={
        "code": Code(max_length=60),
        "name": Text(max_length=120),
        "description": Text(max_length=200, blank=True, optional=True),
        "default": Flag(),
        "public": Flag(),
        "private_to": Text(max_length=40, optional=True, clearable=True),
        "retired": Flag(),
        "trial_days": Whole(maximum=730, optional=True),
        "features": Texts(max_length=120, optional=True),
        "support": Text(max_length=120, blank=True, optional=True),
        "sla": Text(max_length=120, blank=True, optional=True),
        "position": Whole(maximum=32767, optional=True),
        "prices": Tables(fields=PRICE_FIELDS, optional=True),
        "allowances": Tables(
            fields={
                "meter": Reference(section="meters"),
                "included": Quantity(words=(UNLIMITED,)),
                "beyond": Choice(choices=Allowance.Beyond.values, optional=True),
                **ladder_fields(),
                "cap": Amount(minimum=1, optional=True),
                "concurrency": Whole(minimum=1, optional=True),
            },
            check=check_allowance,
            optional=True,
            inline=False,
        ),
        "commitment": Table(
            fields={
                "meter": Reference(section="meters"),
                "minimum": Whole(minimum=1, optional=True),
                "bundle": Whole(minimum=1, optional=True),
                "maximum": Whole(minimum=1, optional=True),
                "beyond": Choice(choices=Commitment.Beyond.values, optional=True),
                "prices": Tables(fields=PRICE_FIELDS, minimum=1),
            },
            optional=True,
            clearable=True,
            inline=False,
        ),
    },
    known=lambda: Plan.objects.values_list("code", flat=True),
    save=save_plan,
    read=read_plans,
    check=check_plan,
    finish=finish_catalogue,
)
