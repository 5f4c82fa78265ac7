"""How plans are put into words and numbers on pages."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from accounts.models import Organization
from core.money import Money, minor_digits
from core.quantities import grouped
from credits.presentation import precise_money
from payments.stripe_objects import StripeInvoice, StripeInvoiceLine
from plans.engine.price_ladders import Graduated, Ladder, PerPackage
from plans.models import Allowance, Commitment, Interval, Meter, Plan, Subscription, SubscriptionItem
from plans.services.selections import Selection, selection_of

Link = Callable[[Plan, str], str]
PER = {Interval.MONTH.value: "a month", Interval.YEAR.value: "a year"}


@dataclass(frozen=True, slots=True)
class PriceTag:
    """What `components/plan_card.html` calls a price."""

    interval: str
    amount: str
    per: str
    note: str
    cta: str
    url: str


@dataclass(frozen=True, slots=True)
class PlanCard:
    """What `components/plan_card.html` calls a plan."""

    name: str
    tagline: str
    features: list[str]
    prices: list[PriceTag]
    current: bool = False
    featured: bool = False
    badge: str = ""


def plan_card(plan: Plan, *, link: Link, present: Selection | None, featured: bool = False) -> PlanCard:
    """`present` is what the organization has; `link(plan, interval)` leads on to choosing."""
    intervals = plan.intervals
    tags = [_tag(plan, interval, link, present) for interval in intervals] or [_free_tag(plan, link, present)]
    return PlanCard(
        name=plan.name,
        tagline=plan.description,
        features=features(plan),
        prices=tags if len(intervals) == 2 else [_for_both(tag) for tag in tags],
        current=present.plan == plan if present else False,
        featured=featured,
    )


def features(plan: Plan) -> list[str]:
    """What is included, what is beyond, then what staff wrote."""
    lines = [allowance_line(allowance, plan) for allowance in plan.allowances.all()]
    if plan.has_commitment:
        lines.insert(0, _commitment_line(plan.commitment))
    more = [plan.support_level and f"Support: {plan.support_level}", plan.sla and f"SLA: {plan.sla}"]
    return [*lines, *plan.features, *filter(None, more)]


def allowance_line(allowance: Allowance, plan: Plan) -> str:
    """`400 sessions a month, then $0.07 each`"""
    noun = _noun(allowance.meter)
    if allowance.included is None:
        return f"Unlimited {noun}"
    per = "" if "month" in noun else " a month"
    amount = f"{grouped(allowance.included)} {noun}{per}" if allowance.included else noun.capitalize()
    concurrency = f", {allowance.concurrency} at a time" if allowance.concurrency else ""
    return f"{amount}{_beyond(allowance, plan)}{concurrency}"


def _noun(meter: Meter) -> str:
    """What an amount counts: `sessions`, `GB of storage`, where one of it is not what the meter is called."""
    name = meter.name if meter.name.isupper() else meter.name.lower()
    return f"{meter.unit_name} of {name}" if meter.unit_name.isupper() and meter.unit_name != name else name


def _beyond(allowance: Allowance, plan: Plan) -> str:
    joint = ", then " if allowance.included else ": "
    match allowance.beyond:
        case Allowance.Beyond.CREDITS:
            return f"{joint}credits"
        case Allowance.Beyond.BILL | Allowance.Beyond.CREDITS_THEN_BILL:
            credits = "credits, then " if allowance.beyond == Allowance.Beyond.CREDITS_THEN_BILL else ""
            currency = plan.currency or "usd"
            cap = f", at most {Money(allowance.cap_amount, currency)} a month" if allowance.cap_amount else ""
            return f"{joint}{credits}{ladder_in_money(allowance.bill_ladder, currency)}{cap}"
    return "" if allowance.included else ": none"


def ladder_in_money(ladder: Ladder | None, currency: str) -> str:
    """`$0.07 each`, `$0.50 per 1,000`, `$0.003 each up to 1,000,000, then $0.0022`"""
    match ladder:
        case PerPackage():
            return f"{precise_money(ladder.price, currency)} per {grouped(ladder.size)}"
        case Graduated(tiers=(only,)):
            return f"{precise_money(only.price, currency)} each"
        case Graduated():
            steps = [
                f"{precise_money(tier.price, currency)} each up to {grouped(tier.up_to)}"
                for tier in ladder.tiers
                if tier.up_to is not None
            ]
            return f"{', '.join(steps)}, then {precise_money(ladder.tiers[-1].price, currency)}"
    return ""


def saving_percent(plan: Plan) -> int:
    """How much less a year costs than twelve months, in whole percent rounded down."""
    monthly, yearly = (Selection(plan, interval, _least(plan)).money.amount for interval in ("month", "year"))
    if len(plan.intervals) < 2 or not monthly:
        return 0
    return max(0, 100 - -(-100 * yearly // (12 * monthly)))


def best_saving(plans: Iterable[Plan]) -> str:
    percent = max((saving_percent(plan) for plan in plans), default=0)
    return f"save up to {percent} %" if percent else ""


def quantity_control(
    plan: Plan, interval: str, *, value: int | None = None, errors: list[str] | None = None
) -> dict[str, object] | None:
    """For `components/quantity.html`; None for a plan without a commitment."""
    if not plan.has_commitment:
        return None
    commitment = plan.commitment
    base, each = plan.price(interval, "base"), plan.price(interval, "quantity")
    chosen = value or commitment.minimum
    highest = commitment.maximum or (commitment.minimum + 99 * commitment.bundle)
    return {
        "name": "quantity",
        "id": f"quantity_{plan.code}_{interval}",
        "label": f"How many {commitment.meter.name.lower()}?",
        "value": chosen,
        "min": commitment.minimum,
        "max": highest,
        "step": commitment.bundle,
        "unit_name": commitment.meter.name.lower(),
        "unit_amount": each.amount if each else 0,
        "base_amount": base.amount if base else 0,
        "currency": each.currency if each else plan.currency,
        "decimals": minor_digits(each.currency) if each else 2,
        "total": str(Selection(plan, interval, chosen).money),
        "per": PER[interval],
        "errors": errors or [],
    }


def status_badge(subscription: Subscription) -> tuple[str, str]:
    """Words and tone."""
    if subscription.dunning_status != Subscription.DunningStatus.GOOD:
        return subscription.get_dunning_status_display(), "bad"
    if subscription.cancel_at:
        return "Ends", "warn"
    tones = {"active": "good", "trialing": "accent", "past_due": "warn", "unpaid": "bad"}
    return subscription.get_status_display(), tones.get(subscription.status, "")


def price_line(subscription: Subscription) -> str:
    """What is paid each period, by the prices it was subscribed at: `$29.00 a month`."""
    money = subscription_money(subscription)
    return f"{money} {PER[subscription.interval]}"


def trial_line(subscription: Subscription) -> str:
    """`Free until 6 December 2026, then $29.00 a month`; nothing when there is no trial."""
    if subscription.status != Subscription.Status.TRIALING or subscription.trial_end is None:
        return ""
    ends = f"Free until {subscription.trial_end:%-d %B %Y}"
    return ends if subscription.cancel_at else f"{ends}, then {price_line(subscription)}"


def subscription_money(subscription: Subscription) -> Money:
    """What a period costs before any usage: a metered price is that of one, and says nothing about the next invoice."""
    metered = SubscriptionItem.Component.METERED
    parts = [item.money for item in subscription.items.all() if item.component != metered and item.money is not None]
    return Money(sum(part.amount for part in parts), parts[0].currency if parts else "usd")


def present_selection(organization: Organization) -> Selection | None:
    base = Subscription.objects.base_of(organization)
    return selection_of(base) if base else None


def line_rows(lines: Iterable[StripeInvoiceLine]) -> list[dict[str, object]]:
    """For tables of invoice lines."""
    return [
        {
            "description": line.description,
            "amount": str(Money(line.amount, line.currency)),
            "start": line.period_start,
            "end": line.period_end,
        }
        for line in lines
    ]


INVOICE_STATUS = {
    "draft": ("Being prepared", ""),
    "open": ("Open", "warn"),
    "paid": ("Paid", "good"),
    "uncollectible": ("Written off", "bad"),
    "void": ("Void", ""),
}
INVOICE_REASON = {
    "subscription_create": "First invoice of the plan",
    "subscription_cycle": "Renewal",
    "subscription_update": "Change of plan",
    "subscription_threshold": "Usage so far",
    "manual": "One-time purchase",
}


def invoice_row(view: StripeInvoice) -> dict[str, object]:
    label, tone = INVOICE_STATUS.get(view.status or "", (view.status or "", ""))
    overdue = view.status == "open" and view.attempt_count > 0
    return {
        "id": view.id,
        "number": view.number or "Not numbered yet",
        "date": view.finalized_at or view.created,
        "reason": _reason(view),
        "status": "Overdue" if overdue else label,
        "tone": "bad" if overdue else tone,
        "total": str(Money(view.total, view.currency)),
        "tax": str(Money(view.tax, view.currency)) if view.tax else "",
        "due": str(Money(view.amount_remaining, view.currency)) if view.status == "open" else "",
        "lines": line_rows(view.lines),
        "pdf": view.invoice_pdf,
        "page": view.hosted_invoice_url,
        "can_be_paid": view.status == "open",
    }


def _reason(view: StripeInvoice) -> str:
    """What a purchase bought, where that is one thing; otherwise why the invoice was written."""
    if view.billing_reason == "manual" and len(view.lines) == 1 and view.lines[0].description:
        return view.lines[0].description
    return INVOICE_REASON.get(view.billing_reason or "", "Invoice")


def featured_plan(plans: list[Plan]) -> Plan | None:
    """The one in the middle of those that cost something: where most people begin to look."""
    paid = [plan for plan in plans if plan.prices.all()]
    return paid[len(paid) // 2] if len(paid) > 1 else (paid[0] if paid else None)


def _tag(plan: Plan, interval: str, link: Link, present: Selection | None) -> PriceTag:
    chosen = present is not None and (present.plan, present.interval) == (plan, interval)
    same_plan = present is not None and present.plan == plan
    base, each = plan.price(interval, "base"), plan.price(interval, "quantity")
    amount = each.money if each and not base else Selection(plan, interval, _least(plan)).money
    unit = plan.commitment.meter.unit_name if plan.has_commitment and each and not base else ""
    cta = f"Switch to {Interval(interval).label.lower()}" if same_plan else f"Choose {plan.name}"
    return PriceTag(
        interval=interval,
        amount=str(amount),
        per=f"per {unit} {PER[interval]}" if unit else PER[interval],
        note=_note(plan, interval),
        cta=cta,
        url="" if chosen and not plan.has_commitment else link(plan, interval),
    )


def _free_tag(plan: Plan, link: Link, present: Selection | None) -> PriceTag:
    return PriceTag("", "Free", "", "No card needed", "Start free", "" if present else link(plan, ""))


def _for_both(tag: PriceTag) -> PriceTag:
    """A plan sold in one interval shows it under both."""
    return PriceTag("", tag.amount, tag.per, tag.note, tag.cta, tag.url)


def _note(plan: Plan, interval: str) -> str:
    notes = []
    if plan.trial_days:
        notes.append(f"{plan.trial_days} days free first")
    if plan.has_commitment:
        notes.append(f"from {plan.commitment.minimum} {plan.commitment.meter.name.lower()}")
    percent = saving_percent(plan)
    if interval == Interval.YEAR and percent:
        monthly, yearly = (Selection(plan, each, _least(plan)).money for each in ("month", "year"))
        saved = Money(12 * monthly.amount - yearly.amount, yearly.currency)
        notes.append(f"saves {saved} a year ({percent} %)")
    return ", ".join(notes)


def _commitment_line(commitment: Commitment) -> str:
    noun = commitment.meter.name
    steps = f" in bundles of {commitment.bundle}" if commitment.bundle > 1 else ""
    most = f" up to {commitment.maximum}" if commitment.maximum else ""
    more = ", more on demand by the month" if commitment.beyond == Commitment.Beyond.ON_DEMAND else ""
    return f"{noun} from {commitment.minimum}{most}{steps}{more}"


def _least(plan: Plan) -> int | None:
    return plan.commitment.minimum if plan.has_commitment else None
