"""Our row of a subscription, and all that depends on it, brought in line with Stripe's."""

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from accounts.models import Organization
from core.background import after_commit
from core.locks import for_update
from payments.services import customers
from payments.stripe_objects import StripeSubscription, StripeSubscriptionItem
from plans.announcements import announce_subscription, subscription_data
from plans.models import Plan, PlanCheckout, Subscription, SubscriptionItem
from plans.price_keys import PriceKey
from plans.services import plan_changes
from plans.services.selections import price_key_of
from plans.services.terms_periods import sync_terms_periods


@dataclass(frozen=True, slots=True)
class Composition:
    """What a subscription's items make of it."""

    plan: Plan
    interval: str
    quantity: int | None
    items: list[tuple[StripeSubscriptionItem, PriceKey]]


@transaction.atomic
def sync_subscription(*, view: StripeSubscription, now: datetime) -> Subscription | None:
    """Bring our row, the terms and what depends on them in line with Stripe's fresh state of a subscription.

    The same state twice changes nothing the second time. Returns None for a subscription that is not of a plan.
    """
    composition = _composition(view)
    organization = customers.organization_of(stripe_id=view.customer or "")
    if composition is None or organization is None:
        return None
    organization = for_update(Organization.objects.filter(pk=organization.pk)).get()
    subscription = Subscription.objects.filter(stripe_id=view.id).select_related("plan").first()
    before = subscription_data(subscription) if subscription else None
    values = _columns(view, composition, now)
    if subscription is None:
        subscription = Subscription(
            organization=organization, stripe_id=view.id, role=view.metadata.get("role", "base")
        )
    for name, value in values.items():
        setattr(subscription, name, value)
    _assign_role(subscription)
    subscription.organization = organization
    subscription.save()
    _replace_items(subscription, composition.items)
    _complete_checkout(subscription, view.metadata.get("plan_checkout", ""))
    plan_changes.update_open_change(subscription=subscription, has_schedule=view.schedule is not None, now=now)
    sync_terms_periods(organization=organization, now=now)
    announce_subscription(subscription=subscription, before=before, now=now)
    after_commit("plans.tasks.after_subscription_change", organization.pk)
    return subscription


def _composition(view: StripeSubscription) -> Composition | None:
    keyed = [(item, key) for item in view.items if (key := price_key_of(item.price, item.lookup_key))]
    if not keyed:
        return None
    licensed = [(item, key) for item, key in keyed if key.component != "metered"]
    _first_item, key = (licensed or keyed)[0]
    plan = Plan.objects.filter(code=key.plan).first()
    if plan is None:
        return None
    quantity = next((item.quantity for item, key in licensed if key.component == "quantity"), None)
    return Composition(plan, key.interval, quantity, keyed)


def _columns(view: StripeSubscription, composition: Composition, now: datetime) -> dict[str, object]:
    cancel_at = view.cancel_at or (view.current_period_end if view.cancel_at_period_end else None)
    return {
        "plan": composition.plan,
        "interval": composition.interval,
        "quantity": composition.quantity,
        "status": view.status,
        "anchor": view.billing_cycle_anchor,
        "current_period_start": view.current_period_start,
        "current_period_end": view.current_period_end,
        "cancel_at": None if view.has_ended else cancel_at,
        "trial_end": view.trial_end,
        "started_at": view.start_date,
        "ended_at": view.ended_at,
        "stripe_schedule_id": view.schedule or "",
        "latest_invoice_id": view.latest_invoice or "",
        "synced_at": now,
    }


def _assign_role(subscription: Subscription) -> None:
    """A second live base subscription was bought in another tab: it is a duplicate, which is ended and refunded. If the
    first one has ended by then, the second takes its place.
    """
    if subscription.role == Subscription.Role.COMPANION or not subscription.is_live:
        return
    others = Subscription.objects.live().filter(organization=subscription.organization, role=Subscription.Role.BASE)
    taken = others.exclude(stripe_id=subscription.stripe_id).exists()
    subscription.role = Subscription.Role.DUPLICATE if taken else Subscription.Role.BASE


def _replace_items(subscription: Subscription, items: list[tuple[StripeSubscriptionItem, PriceKey]]) -> None:
    subscription.items.exclude(stripe_id__in=[item.id for item, _ in items]).delete()
    for item, key in items:
        SubscriptionItem.objects.update_or_create(
            stripe_id=item.id,
            defaults={
                "subscription": subscription,
                "stripe_price_id": item.price,
                "component": key.component,
                "meter_code": key.meter,
                "quantity": item.quantity,
                # A metered price says what one unit costs, which is nothing that is paid each period.
                "amount": None if key.component == SubscriptionItem.Component.METERED else item.unit_amount,
                "currency": item.currency,
            },
        )


def _complete_checkout(subscription: Subscription, public_id: str) -> None:
    if subscription.is_live or subscription.status == Subscription.Status.CANCELED:
        PlanCheckout.objects.filter(public_id=public_id, organization=subscription.organization).exclude(
            status=PlanCheckout.Status.COMPLETED
        ).update(status=PlanCheckout.Status.COMPLETED)
