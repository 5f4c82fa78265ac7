"""What the workers do for plans. Each hands on to a service."""

from celery import shared_task
from django.utils import timezone

from accounts.models import Organization
from plans.services import (
    billed_usage,
    companion,
    dunning,
    duplicate_subscriptions,
    invoices,
    plan_changes,
    trials,
)


@shared_task
def follow_up(organization_pk: int) -> None:
    """After a subscription changed: give back what was bought twice, and let the companion follow."""
    organization, now = Organization.objects.get(pk=organization_pk), timezone.now()
    duplicate_subscriptions.give_back(organization=organization, now=now)
    plan_changes.release_schedules(organization=organization, now=now)
    companion.follow(organization=organization, now=now)


@shared_task
def take_over_subscription(stripe_id: str) -> None:
    plan_changes.refresh(stripe_id=stripe_id, now=timezone.now())


@shared_task
def take_over_invoice(subscription: str, invoice: str) -> None:
    """An invoice's event overtook that of its subscription."""
    invoices.take_over(subscription=subscription, invoice=invoice, now=timezone.now())


@shared_task
def close_window(invoice: str) -> None:
    billed_usage.close_window(invoice=invoice, now=timezone.now())


@shared_task
def deliver_metered() -> None:
    billed_usage.deliver(now=timezone.now())


@shared_task
def hourly_round() -> None:
    """What a lost task or a lost answer left out."""
    now = timezone.now()
    plan_changes.resume_pending(now=now)
    companion.follow_all(now=now)
    billed_usage.deliver(now=now)
    trials.remind(now=now)


@shared_task
def run_dunning() -> None:
    dunning.run_dunning(now=timezone.now())
