"""Meters and plans in the catalogue file."""

from collections.abc import Iterable, Iterator, Mapping, Set
from datetime import datetime
from decimal import Decimal
from operator import attrgetter
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, PlainValidator

from accounts.models import Organization
from core.errors import InvalidInput
from payments.catalogue_file import values
from payments.catalogue_file.entries import Entry, Problem, Table, replace_rows, save_row
from plans.engine.billable_rules import PropertyBound
from plans.engine.price_ladders import PRICE_PLACES, Graduated, InvalidLadder, Ladder, PerPackage, Tier
from plans.models import Allowance, Commitment, CreditRate, Interval, Meter, Plan, PlanPrice
from plans.services.catalogue import finish_catalogue, make_default, require_sound

BASE, QUANTITY = PlanPrice.Component.BASE, PlanPrice.Component.QUANTITY
BILLED = (Allowance.Beyond.BILL, Allowance.Beyond.CREDITS_THEN_BILL)

# Of one unit, so it may be smaller than money and credits are.
Price = Annotated[
    Decimal,
    Field(strict=False, allow_inf_nan=False, decimal_places=PRICE_PLACES),
    values.must(lambda value: 0 <= value < 10**9, "must be from 0 to a billion, and is {value}"),
]


class TierEntry(Table):
    up_to: values.PositiveQuantity | None = None
    price: Price


class PackageEntry(Table):
    size: values.PositiveQuantity
    price: Price


Tiers = Annotated[list[TierEntry], Field(min_length=1)]


def _ladder(said: "RateEntry | AllowanceEntry") -> Ladder | None:
    """Raises InvalidLadder."""
    if said.package:
        return PerPackage(said.package.size, said.package.price)
    return Graduated(tuple(Tier(tier.up_to, tier.price) for tier in said.ladder)) if said.ladder else None


def _ladder_keys(ladder: Ladder | None) -> dict[str, Any]:
    """The ladder as it stands in the file."""
    return {
        "ladder": [TierEntry.of_row(tier) for tier in ladder.tiers] if isinstance(ladder, Graduated) else None,
        "package": PackageEntry.of_row(ladder) if isinstance(ladder, PerPackage) else None,
    }


def _ladder_problems(said: "RateEntry | AllowanceEntry", *, required: bool) -> Iterator[Problem]:
    if said.ladder and said.package:
        yield "package", "stands beside a ladder; give one of the two"
    elif required and not said.ladder and not said.package:
        yield "ladder", "is missing: give a ladder or a package"
    else:
        try:
            _ladder(said)
        except InvalidLadder as problem:
            yield "ladder" if said.ladder else "package", str(problem)


def _property_bounds(said: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, str]]:
    """Raises InvalidRule."""
    PropertyBound.parse_all(said)
    return {name: {end: f"{Decimal(number):f}" for end, number in bound.items()} for name, bound in said.items()}


class BillableEntry(Table):
    columns = {"statuses": "billable_statuses", "properties": "property_bounds"}

    statuses: Annotated[list[Annotated[str, values.text(60)]], Field(min_length=1)] = ["success"]
    min_duration_ms: Annotated[int, values.whole(0)] | None = None
    max_latency_ms: Annotated[int, values.whole(0)] | None = None
    properties: Annotated[dict[str, dict[str, str]], PlainValidator(_property_bounds)] = {}


class RateEntry(Table):
    columns = {"unit": "unit_id"}

    unit: Annotated[str, values.reference("units")]
    ladder: Tiers | None = None
    package: PackageEntry | None = None

    def problems(self) -> Iterable[Problem]:
        return _ladder_problems(self, required=True)


class MeterEntry(Entry):
    """What is measured, which events count, and what it costs in credits."""

    section = "meters"
    order = 30

    code: Annotated[str, values.code(60)]
    name: Annotated[str, values.text(120)]
    aggregation: Annotated[str, values.one_of(Meter.Aggregation.values)]
    unit_name: Annotated[str, values.text(60)]
    retired: bool = False
    billable: BillableEntry = BillableEntry()
    credit_rates: Annotated[list[RateEntry], values.unique("unit", "name a unit twice; each unit has one rate")] = []

    @classmethod
    def present(cls) -> Iterator[Self]:
        for meter in Meter.objects.prefetch_related("credit_rates"):
            rates = [RateEntry.of_row(rate, **_ladder_keys(rate.ladder)) for rate in meter.credit_rates.all()]
            yield cls.of_row(meter, billable=BillableEntry.of_row(meter), credit_rates=rates)

    def save(self, *, changed: Set[str], now: datetime) -> None:
        if "aggregation" in changed and (row := Meter.objects.filter(code=self.code).first()):
            stays = f"is {row.aggregation!r} and stays so: counters rest on it. Make another meter instead."
            raise InvalidInput(stays, field="aggregation")
        columns = self.as_columns(changed - {"billable", "credit_rates"})
        if "billable" in changed:
            columns |= self.billable.as_columns(BillableEntry.model_fields)
        meter = save_row(Meter, self.code, columns)
        if "credit_rates" in changed:
            rates = enumerate(self.credit_rates)
            replace_rows(
                meter.credit_rates.all(),
                [CreditRate(meter=meter, unit_id=r.unit, ladder=_ladder(r), position=n) for n, r in rates],
            )


class PriceEntry(Table):
    interval: Annotated[str, values.one_of(Interval.values)]
    amount: values.Amount
    currency: values.Currency


Prices = Annotated[
    list[PriceEntry],
    values.unique("interval", "give an interval twice"),
    AfterValidator(lambda prices: sorted(prices, key=attrgetter("interval"))),
]


class AllowanceEntry(Table):
    columns = {"cap": "cap_amount"}

    meter: Annotated[str, values.reference("meters")]
    included: Annotated[Decimal | Literal["unlimited"], values.or_word("unlimited", values.Quantity)]
    beyond: Annotated[str, values.one_of(Allowance.Beyond.values)] = Allowance.Beyond.CREDITS.value
    ladder: Tiers | None = None
    package: PackageEntry | None = None
    cap: values.PositiveAmount | None = None
    concurrency: Annotated[int, values.whole(1)] | None = None

    def problems(self) -> Iterable[Problem]:
        billed = self.beyond in BILLED
        yield from _ladder_problems(self, required=billed)
        for name in ("ladder", "package", "cap"):
            if getattr(self, name) and not billed:
                yield name, 'only goes with beyond = "bill" or "credits_then_bill"'


class CommitmentEntry(Table):
    meter: Annotated[str, values.reference("meters")]
    minimum: Annotated[int, values.whole(1)] = 1
    bundle: Annotated[int, values.whole(1)] = 1
    maximum: Annotated[int, values.whole(1)] | None = None
    beyond: Annotated[str, values.one_of(Commitment.Beyond.values)] = Commitment.Beyond.BLOCK.value
    prices: Annotated[Prices, Field(min_length=1)]

    def problems(self) -> Iterable[Problem]:
        if self.maximum and self.maximum < self.minimum:
            yield "maximum", "lies below the minimum"


PublicId = Annotated[
    str,
    values.text(40),
    values.must(
        lambda value: Organization.objects.filter(public_id=value).exists(), "there is no organization {value!r}"
    ),
]


class PlanEntry(Entry):
    """What is subscribed to, with prices, allowances and a commitment."""

    section = "plans"
    order = 40
    columns = {"default": "is_default", "support": "support_level"}

    code: Annotated[str, values.code(60)]
    name: Annotated[str, values.text(120)]
    description: Annotated[str, values.text(200, blank=True)] = ""
    default: bool = False
    public: bool | None = None
    private_to: Annotated[PublicId | None, values.clearable] = None
    retired: bool = False
    trial_days: Annotated[int, values.whole(0, 730)] | None = None
    features: list[Annotated[str, values.text(120)]] | None = None
    support: Annotated[str, values.text(120, blank=True)] = ""
    sla: Annotated[str, values.text(120, blank=True)] = ""
    position: Annotated[int, values.whole(0, 32_767)] | None = None
    prices: Prices | None = None
    allowances: Annotated[list[AllowanceEntry], values.unique("meter", "name a meter twice")] = []
    commitment: Annotated[CommitmentEntry | None, values.clearable] = None

    @classmethod
    def present(cls) -> Iterator[Self]:
        for plan in Plan.objects.for_pricing().select_related("private_to"):
            yield cls.of_row(
                plan,
                private_to=plan.private_to and plan.private_to.public_id,
                prices=_present_prices(plan, BASE),
                allowances=[_present_allowance(allowance) for allowance in plan.allowances.all()],
                commitment=_present_commitment(plan) if plan.has_commitment else None,
            )

    def save(self, *, changed: Set[str], now: datetime) -> None:
        columns = self.as_columns(changed - {"default", "private_to", "prices", "allowances", "commitment"})
        if "private_to" in changed:
            columns["private_to"] = Organization.objects.filter(public_id=self.private_to).first()
        plan = save_row(Plan, self.code, columns)
        if "default" in changed:
            _save_default(plan, self.default)
        if "prices" in changed:
            _save_prices(plan, BASE, self.prices or [])
        if "allowances" in changed:
            replace_rows(plan.allowances.all(), [_allowance(plan, each) for each in self.allowances])
        if "commitment" in changed:
            _save_commitment(plan, self.commitment)
        require_sound(Plan.objects.for_pricing().get(pk=plan.pk))

    @classmethod
    def finish(cls, *, now: datetime) -> None:
        finish_catalogue(now=now)


def _present_prices(plan: Plan, component: str) -> list[PriceEntry]:
    return [PriceEntry.of_row(price) for price in plan.prices.all() if price.component == component]


def _present_allowance(row: Allowance) -> AllowanceEntry:
    included = "unlimited" if row.included is None else row.included
    return AllowanceEntry.of_row(row, meter=row.meter.code, included=included, **_ladder_keys(row.bill_ladder))


def _present_commitment(plan: Plan) -> CommitmentEntry:
    prices = _present_prices(plan, QUANTITY)
    return CommitmentEntry.of_row(plan.commitment, meter=plan.commitment.meter.code, prices=prices)


def _save_default(plan: Plan, default: bool) -> None:
    if default:
        make_default(plan=plan)
    elif plan.is_default:
        raise InvalidInput("exactly one plan is the default: set default = true on another instead", field="default")


def _save_prices(plan: Plan, component: str, said: Iterable[PriceEntry]) -> None:
    replace_rows(
        plan.prices.filter(component=component),
        [PlanPrice(plan=plan, component=component, **price.as_columns(PriceEntry.model_fields)) for price in said],
    )


def _allowance(plan: Plan, said: AllowanceEntry) -> Allowance:
    return Allowance(
        plan=plan,
        meter=Meter.objects.get(code=said.meter),
        included=None if said.included == "unlimited" else said.included,
        bill_ladder=_ladder(said),
        **said.as_columns(("beyond", "cap", "concurrency")),
    )


def _save_commitment(plan: Plan, said: CommitmentEntry | None) -> None:
    rows = []
    if said:
        columns = said.as_columns(("minimum", "bundle", "maximum", "beyond"))
        rows = [Commitment(plan=plan, meter=Meter.objects.get(code=said.meter), **columns)]
    replace_rows(Commitment.objects.filter(plan=plan), rows)
    _save_prices(plan, QUANTITY, said.prices if said else [])
