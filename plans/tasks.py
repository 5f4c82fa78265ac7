"""What the workers do for plans. Each hands on to a service."""

from celery import shared_task
from django.utils import timezone

from accounts.models import Organization
from plans.services import (
    billed_usage,
    companion_subscription,
    dunning,
    duplicate_subscriptions,
    invoices,
    plan_changes,
    stripe_refresh,
    trials,
)


@shared_task
def after_subscription_change(organization_pk: int) -> None:
    """Refund what was bought twice, release schedules that are done, and bring the companion in line."""
    organization, now = Organization.objects.get(pk=organization_pk), timezone.now()
    duplicate_subscriptions.refund_duplicates(organization=organization, now=now)
    plan_changes.release_schedules(organization=organization, now=now)
    companion_subscription.sync_companion(organization=organization, now=now)


@shared_task
def refresh_subscription(stripe_id: str) -> None:
    stripe_refresh.refresh_subscription(stripe_id=stripe_id, now=timezone.now())


@shared_task
def refresh_invoice(subscription: str, invoice: str) -> None:
    """For an invoice whose event came before that of its subscription."""
    invoices.refresh_with_subscription(subscription=subscription, invoice=invoice, now=timezone.now())


@shared_task
def close_window(invoice: str) -> None:
    billed_usage.close_window(invoice=invoice, now=timezone.now())


@shared_task
def deliver_billed_usage() -> None:
    billed_usage.deliver(now=timezone.now())


@shared_task
def hourly_round() -> None:
    """What a lost task or a lost answer left out."""
    now = timezone.now()
    plan_changes.resume_pending(now=now)
    companion_subscription.sync_all_companions(now=now)
    billed_usage.deliver(now=now)
    trials.remind(now=now)


@shared_task
def run_dunning() -> None:
    dunning.run_dunning(now=timezone.now())
