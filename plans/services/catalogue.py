"""Rules of the catalogue that show in several rows together, for the file and the admin alike."""

from collections.abc import Iterator
from datetime import datetime

from django.db import transaction

from core.errors import InvalidInput
from plans.engine.price_ladders import Graduated, Ladder, PerPackage
from plans.models import Allowance, Commitment, Interval, Plan, PlanPrice
from plans.services.plan_revisions import publish_terms

Component = PlanPrice.Component


def finish_catalogue(*, now: datetime) -> None:
    """After any change: exactly one default plan, and a revision of every plan that differs. Raises InvalidInput."""
    if Plan.objects.exists() and not Plan.objects.filter(is_default=True).exists():
        raise InvalidInput(
            "exactly one plan is the default, the one that organizations without a paid plan are on: "
            "set default = true on one",
            field="default",
        )
    publish_terms(now=now)


@transaction.atomic
def make_default(*, plan: Plan) -> None:
    """Let organizations without a paid plan be on this one, and not on the one before."""
    Plan.objects.filter(is_default=True).exclude(pk=plan.pk).update(is_default=False)
    plan.is_default = True
    plan.full_clean()
    plan.save(update_fields=["is_default"])


def require_sound(plan: Plan) -> None:
    """Raises InvalidInput with the first problem."""
    for field, message in problems_of(plan):
        raise InvalidInput(message, field=field)


def problems_of(plan: Plan) -> Iterator[tuple[str, str]]:
    """What is wrong between the rows of a plan: the place, and why."""
    prices = list(plan.prices.all())
    if len({price.currency for price in prices}) > 1:
        yield "prices", "all prices of a plan are in one currency"
    if plan.is_default and any(price.amount for price in prices):
        yield "prices", "the default plan costs nothing: organizations are on it without subscribing"
    commitment = plan.commitment if plan.has_commitment else None
    yield from _commitment_problems(prices, commitment)
    for allowance in plan.allowances.all():
        yield from _allowance_problems(plan, allowance, bool(prices))


def _commitment_problems(prices: list[PlanPrice], commitment: Commitment | None) -> Iterator[tuple[str, str]]:
    base = {price.interval for price in prices if price.component == Component.BASE}
    each = {price.interval for price in prices if price.component == Component.QUANTITY}
    if commitment is None:
        if each:
            yield "prices", "prices per quantity need a commitment that says how many can be bought"
        return
    if not each:
        yield "commitment", "needs a price per quantity"
    if base and base != each:
        yield "commitment", "is priced in other intervals than the plan itself"
    if commitment.beyond == Commitment.Beyond.ON_DEMAND and Interval.MONTH not in each:
        yield "commitment", "what is on demand is billed by the month: give a monthly price"


def _allowance_problems(plan: Plan, allowance: Allowance, has_prices: bool) -> Iterator[tuple[str, str]]:
    if not allowance.is_billed:
        return
    place, meter = "allowances", allowance.meter.code
    if plan.is_default:
        yield place, f"{meter}: nothing can be billed on the default plan, because nobody subscribes to it"
    elif not has_prices:
        yield place, f"{meter}: to bill later, the plan needs a subscription: give it a price, 0 will do"
    if allowance.bill_ladder and not _stripe_can_price(allowance.bill_ladder):
        yield place, f"{meter}: tiers and packages in money end at whole numbers, because Stripe's do"


def _stripe_can_price(ladder: Ladder) -> bool:
    match ladder:
        case PerPackage():
            return ladder.size == int(ladder.size)
        case Graduated():
            return all(tier.up_to is None or tier.up_to == int(tier.up_to) for tier in ladder.tiers)
    return False
