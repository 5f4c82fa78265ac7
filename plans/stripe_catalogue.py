"""What of plans and meters there should be at Stripe. Registered as a source of `sync_catalog`."""

from collections.abc import Iterator
from decimal import Decimal
from typing import TypedDict

from core.money import minor_digits
from payments.stripe_catalogue.specs import MeterSpec, PriceSpec, ProductSpec, Spec, TierSpec
from plans.engine.price_ladders import Graduated, Ladder, PerPackage
from plans.models import Allowance, Interval, LadderOverride, Meter, Plan
from plans.price_keys import PriceKey, product_code


def specs() -> Iterator[Spec]:
    """Retired plans stay, inactive: their subscribers keep their prices."""
    plans = list(Plan.objects.for_pricing())
    for meter in Meter.objects.filter(allowances__bill_ladder__isnull=False).distinct():
        yield MeterSpec(code=meter.code, name=meter.name, formula="last")
    for plan in plans:
        if plan.intervals:
            yield from _of_plan(plan)
    yield from _overrides(plans)


def metered_product_code(plan: Plan, meter: Meter) -> str:
    return f"{product_code(plan.code)}:{meter.code}"


def _of_plan(plan: Plan) -> Iterator[Spec]:
    active = not plan.retired
    yield ProductSpec(
        code=product_code(plan.code),
        name=plan.name,
        description=plan.description,
        bullets=tuple(plan.features),
        active=active,
        metadata={"plan": plan.code},
    )
    for price in plan.prices.all():
        yield PriceSpec(
            lookup_key=str(PriceKey(plan.code, price.component, price.interval)),
            product=product_code(plan.code),
            currency=price.currency,
            amount=price.amount,
            interval="year" if price.interval == Interval.YEAR else "month",
            nickname=f"{plan.name}, {price.get_component_display().lower()}, {price.get_interval_display().lower()}",
            active=active,
            metadata={"plan": plan.code, "component": price.component},
        )
    for allowance in plan.allowances.all():
        if allowance.is_billed:
            yield ProductSpec(
                code=metered_product_code(plan, allowance.meter),
                name=f"{allowance.meter.name} ({plan.name})",
                active=active,
                metadata={"plan": plan.code, "meter": allowance.meter.code},
            )
            key = PriceKey(plan.code, "metered", meter=allowance.meter.code)
            yield _metered(key, allowance, allowance.bill_ladder, active=active)


def _overrides(plans: list[Plan]) -> Iterator[Spec]:
    """Each organization's own price of a meter, in each plan that bills it: whichever it is on, the price is there."""
    for override in LadderOverride.objects.filter(unit=None, ends_at=None).select_related("meter", "organization"):
        for plan in plans:
            for allowance in plan.allowances.all():
                if plan.intervals and allowance.is_billed and allowance.meter_id == override.meter_id:
                    key = PriceKey(plan.code, "metered", meter=override.meter.code, override=str(override.pk))
                    yield _metered(key, allowance, override.ladder, active=not plan.retired)


def _metered(key: PriceKey, allowance: Allowance, ladder: Ladder, *, active: bool) -> PriceSpec:
    currency = allowance.plan.currency or "usd"
    return PriceSpec(
        lookup_key=str(key),
        product=metered_product_code(allowance.plan, allowance.meter),
        currency=currency,
        interval="month",
        meter=allowance.meter.code,
        nickname=f"{allowance.meter.name} beyond what {allowance.plan.name} includes",
        active=active,
        metadata={"plan": allowance.plan.code, "component": "metered", "meter": allowance.meter.code},
        **_pricing(ladder, minor_digits(currency)),
    )


class Pricing(TypedDict, total=False):
    """The arguments of a `PriceSpec` that say what one costs."""

    amount: Decimal
    package_size: int
    tiers: tuple[TierSpec, ...]


def _pricing(ladder: Ladder, digits: int) -> Pricing:
    """The ladder in minor units, as Stripe's: a single price, tiers, or packages."""
    match ladder:
        case PerPackage():
            return {"amount": _minor(ladder.price, digits), "package_size": int(ladder.size)}
        case Graduated(tiers=(only,)):
            return {"amount": _minor(only.price, digits)}
        case Graduated():
            return {
                "tiers": tuple(
                    TierSpec(
                        up_to=None if tier.up_to is None else int(tier.up_to), unit_amount=_minor(tier.price, digits)
                    )
                    for tier in ladder.tiers
                )
            }
    raise TypeError(f"{ladder!r} is no ladder.")


def _minor(price: Decimal, digits: int) -> Decimal:
    return price.scaleb(digits)
