"""What a change would cost, calculated by Stripe, before the customer confirms it."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from accounts.models import Organization
from core.money import Money
from payments.gateway import invoices as stripe_invoices
from payments.services import customers
from payments.stripe_objects import StripeInvoice, StripeInvoiceLine
from plans.errors import NoSubscription
from plans.models import Interval, PlanChange, Subscription
from plans.services.selections import Selection, change_items, selection_of, stripe_items


@dataclass(frozen=True, slots=True)
class Quote:
    """`due_now` is charged on confirmation; `then` is the price of each period after `effective_at`, before usage and
    tax.
    """

    selection: Selection
    timing: str
    effective_at: datetime
    lines: list[StripeInvoiceLine]
    due_now: Money
    then: Money

    @property
    def is_at_once(self) -> bool:
        return self.timing == PlanChange.Timing.NOW


def quote(*, organization: Organization, selection: Selection, now: datetime) -> Quote:
    """For an organization with a subscription its change, without one its first invoice."""
    if Subscription.objects.base_of(organization):
        return quote_change(organization=organization, selection=selection, now=now)
    return quote_new(organization=organization, selection=selection, now=now)


def quote_new(*, organization: Organization, selection: Selection, now: datetime) -> Quote:
    trial_days = selection.plan.trial_days
    invoice = StripeInvoice.of(
        stripe_invoices.preview_new(
            customer=customers.ensure_customer(organization=organization),
            items=stripe_items(selection=selection, organization=organization),
            trial_end=trial_end(trial_days, now),
        )
    )
    return _quoted(selection, PlanChange.Timing.NOW, now, invoice)


def quote_change(*, organization: Organization, selection: Selection, now: datetime) -> Quote:
    """Raises NoSubscription. A change that waits for the renewal costs nothing now."""
    subscription = require_base(organization)
    timing = timing_of(present=selection_of(subscription), wanted=selection)
    if timing == PlanChange.Timing.RENEWAL:
        assert subscription.current_period_end is not None
        zero = Money(0, selection.money.currency)
        return Quote(selection, timing, subscription.current_period_end, [], zero, selection.money)
    now = now.replace(microsecond=0)
    items = change_items(subscription=subscription, items=stripe_items(selection=selection, organization=organization))
    invoice = StripeInvoice.of(
        stripe_invoices.preview_change(
            subscription=subscription.stripe_id,
            items=items,
            proration_date=now,
        )
    )
    return _quoted(selection, timing, now, invoice)


def timing_of(*, present: Selection, wanted: Selection) -> str:
    """More is given at once, less at the renewal; and from annual to monthly always waits: the year is paid."""
    if (present.interval, wanted.interval) == (Interval.YEAR, Interval.MONTH):
        return PlanChange.Timing.RENEWAL
    return PlanChange.Timing.RENEWAL if wanted.yearly_weight < present.yearly_weight else PlanChange.Timing.NOW


def require_base(organization: Organization) -> Subscription:
    """The subscription that gives the plan. Raises NoSubscription."""
    subscription = Subscription.objects.base_of(organization)
    if subscription is None:
        raise NoSubscription("There is no paid plan to change. Choose one on the pricing page.")
    return subscription


def trial_end(days: int, now: datetime) -> datetime | None:
    return now + timedelta(days=days) if days else None


def _quoted(selection: Selection, timing: str, at: datetime, invoice: StripeInvoice) -> Quote:
    return Quote(selection, timing, at, invoice.lines, Money(invoice.total, invoice.currency), selection.money)
