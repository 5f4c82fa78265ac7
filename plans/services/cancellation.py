"""Ending a plan with the period that was paid for, and changing one's mind."""

from datetime import datetime

from accounts.models import Organization
from payments.gateway import subscriptions as stripe_subscriptions
from plans.errors import ChangeUnderWay
from plans.models import PlanChange, Subscription
from plans.services.quotes import require_base
from plans.services.stripe_refresh import refresh_subscription


def cancel_at_period_end(*, organization: Organization, now: datetime) -> Subscription:
    """Let the plan run out with what was paid for; repeating it is harmless. Raises NoSubscription, ChangeUnderWay."""
    subscription = require_base(organization)
    if subscription.cancel_at is None:
        _set_cancel_at_period_end(subscription, cancel=True, now=now)
    return subscription


def keep(*, organization: Organization, now: datetime) -> Subscription:
    """Go on with a plan that was going to end; repeating it is harmless. Raises NoSubscription."""
    subscription = require_base(organization)
    if subscription.cancel_at is not None:
        _set_cancel_at_period_end(subscription, cancel=False, now=now)
    return subscription


def _set_cancel_at_period_end(subscription: Subscription, *, cancel: bool, now: datetime) -> None:
    if change := PlanChange.objects.open().filter(subscription=subscription).first():
        raise ChangeUnderWay(
            f"A change to {change.to_plan} is planned. Take it back first, then cancel.", to=change.to_plan.code
        )
    stripe_subscriptions.update(
        subscription=subscription.stripe_id,
        cancel_at_period_end=cancel,
        # Each change of mind is announced, and the announcements are counted: the next one has another key.
        idempotency_key=f"subscription:{subscription.pk}:{subscription.revision}:{'cancel' if cancel else 'keep'}",
    )
    refresh_subscription(stripe_id=subscription.stripe_id, now=now)
    subscription.refresh_from_db()
