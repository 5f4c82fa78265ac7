"""What a customer may choose: plan, interval and quantity, checked, and what it consists of at Stripe."""

from dataclasses import dataclass

from accounts.models import Organization
from core.money import Money
from payments import stripe_catalogue
from payments.gateway.subscriptions import ItemParams
from payments.stripe_catalogue.entries import lookup_key_of
from plans.engine.commitments import QuantityRefused
from plans.errors import SelectionRefused, UnknownPlan
from plans.models import Allowance, Interval, LadderOverride, Plan, Subscription
from plans.price_keys import PriceKey


@dataclass(frozen=True, slots=True)
class Selection:
    """A plan in an interval; `quantity` is that of its commitment, None for a plan without one."""

    plan: Plan
    interval: str
    quantity: int | None

    @property
    def money(self) -> Money:
        """What it costs per interval, by today's prices, before usage and tax."""
        base, each = (self.plan.price(self.interval, component) for component in ("base", "quantity"))
        amount = (base.amount if base else 0) + (each.amount if each else 0) * (self.quantity or 0)
        return Money(amount, self.plan.currency or "usd")

    @property
    def yearly_weight(self) -> int:
        """For telling more from less: minor units for a year, by the monthly prices where the plan has them."""
        interval = Interval.MONTH if Interval.MONTH in self.plan.intervals else Interval.YEAR
        amount = Selection(self.plan, interval, self.quantity).money.amount
        return amount * 12 if interval == Interval.MONTH else amount

    def __str__(self) -> str:
        quantity = f" × {self.quantity}" if self.quantity else ""
        return f"{self.plan}{quantity}, {Interval(self.interval).label.lower()}"


def choose(*, organization: Organization | None, plan: str, interval: str, quantity: int | None = None) -> Selection:
    """Check a choice of plan code, interval and quantity. Raises UnknownPlan, SelectionRefused."""
    found = Plan.objects.for_pricing().filter(code=plan).first()
    if found is None or not _may_see(found, organization):
        raise UnknownPlan(f"plan: there is no plan with the code {plan!r}.", field="plan")
    if found.retired:
        raise SelectionRefused(f"{found} is not sold any more. Choose another plan.", field="plan", code="plan_retired")
    if not found.intervals:
        raise SelectionRefused(
            f"{found} costs nothing and needs no subscription: cancel the present plan to return to it.",
            field="plan",
            code="plan_not_for_sale",
        )
    if interval not in found.intervals:
        offered = " or ".join(found.intervals)
        raise SelectionRefused(
            f"{found} is not sold by the {interval}; choose {offered}.",
            field="interval",
            code="interval_not_offered",
            offered=found.intervals,
        )
    return Selection(found, interval, _quantity(found, quantity))


def selection_of(subscription: Subscription) -> Selection:
    return Selection(subscription.plan, subscription.interval, subscription.quantity)


def stripe_items(*, selection: Selection, organization: Organization) -> list[ItemParams]:
    """The prices of a selection, as Stripe takes them. Metered ones only by the month: with an annual plan they live in
    the companion. Raises NotAtStripe when `sync_catalog` has not brought one to Stripe yet."""
    items: list[ItemParams] = []
    for component, quantity in (("base", 1), ("quantity", selection.quantity)):
        if selection.plan.price(selection.interval, component) and quantity:
            key = PriceKey(selection.plan.code, component, selection.interval)
            items.append({"price": stripe_catalogue.stripe_price_id(str(key)), "quantity": quantity})
    if selection.interval == Interval.MONTH:
        items += metered_items(plan=selection.plan, organization=organization)
    return items


def metered_items(*, plan: Plan, organization: Organization) -> list[ItemParams]:
    return [
        {"price": stripe_catalogue.stripe_price_id(str(metered_key(allowance, organization)))}
        for allowance in plan.allowances.all()
        if allowance.is_billed
    ]


def metered_key(allowance: Allowance, organization: Organization) -> PriceKey:
    """The price of usage beyond an allowance: the organization's own, where it has one."""
    own = LadderOverride.objects.filter(
        organization=organization, meter=allowance.meter, unit=None, ends_at=None
    ).last()
    return PriceKey(allowance.plan.code, "metered", meter=allowance.meter.code, override=str(own.pk) if own else "")


def change_items(*, subscription: Subscription, items: list[ItemParams]) -> list[ItemParams]:
    """The change to send to Stripe so that the subscription consists of `items`: what stays keeps its item id."""
    wanted = {_slot(item["price"]): item for item in items}
    changes: list[ItemParams] = []
    for present in subscription.items.all():
        slot = (present.component, present.meter_code)
        if slot in wanted:
            changes.append(ItemParams(id=present.stripe_id) | wanted.pop(slot))
        else:
            changes.append({"id": present.stripe_id, "deleted": True})
    return changes + list(wanted.values())


def _slot(price: str) -> tuple[str, str]:
    key = price_key_of(price)
    return (key.component, key.meter) if key else ("", price)


def price_key_of(price: str, lookup_key: str | None = None) -> PriceKey | None:
    """What a price at Stripe is for; None when it is not a plan's. Prices that were replaced are remembered."""
    return PriceKey.parse(lookup_key_of(stripe_price=price) or lookup_key)


def _may_see(plan: Plan, organization: Organization | None) -> bool:
    return plan.private_to_id is None or (organization is not None and plan.private_to_id == organization.pk)


def _quantity(plan: Plan, quantity: int | None) -> int | None:
    if not plan.has_commitment:
        if quantity not in (None, 1):
            raise SelectionRefused(
                f"{plan} is not sold by quantity; leave the quantity out.",
                field="quantity",
                code="quantity_not_offered",
            )
        return None
    bounds = plan.commitment.bounds
    try:
        return bounds.require(bounds.minimum if quantity is None else quantity)
    except QuantityRefused as refused:
        raise SelectionRefused(
            f"quantity: {refused}",
            field="quantity",
            code="quantity_not_offered",
            minimum=bounds.minimum,
            bundle=bounds.bundle,
            maximum=bounds.maximum,
        ) from None
