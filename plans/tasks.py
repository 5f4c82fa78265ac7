"""What the workers do for plans. Each hands on to a service."""

from celery import shared_task
from django.utils import timezone

from accounts.models import Organization
from plans.services import changes, companions, dunning, invoices, metered, surplus, trials


@shared_task(name="plans.follow_up")
def follow_up(organization_pk: int) -> None:
    """After a subscription changed: give back what was bought twice, and let the companion follow."""
    organization, now = Organization.objects.get(pk=organization_pk), timezone.now()
    surplus.give_back(organization=organization, now=now)
    changes.release_schedules(organization=organization, now=now)
    companions.follow(organization=organization, now=now)


@shared_task(name="plans.take_over_subscription")
def take_over_subscription(stripe_id: str) -> None:
    changes.refresh(stripe_id=stripe_id, now=timezone.now())


@shared_task(name="plans.take_over_invoice")
def take_over_invoice(subscription: str, invoice: str) -> None:
    """An invoice's event overtook that of its subscription."""
    invoices.take_over(subscription=subscription, invoice=invoice, now=timezone.now())


@shared_task(name="plans.close_window")
def close_window(invoice: str) -> None:
    metered.close_window(invoice=invoice, now=timezone.now())


@shared_task(name="plans.deliver_metered")
def deliver_metered() -> None:
    metered.deliver(now=timezone.now())


@shared_task(name="plans.hourly_round")
def hourly_round() -> None:
    """What a lost task or a lost answer left out."""
    now = timezone.now()
    changes.resume_pending(now=now)
    companions.follow_all(now=now)
    metered.deliver(now=now)
    trials.remind(now=now)


@shared_task(name="plans.run_dunning")
def run_dunning() -> None:
    dunning.run_dunning(now=timezone.now())
