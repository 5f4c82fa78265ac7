"""What the workers do for payments."""

from celery import shared_task
from django.utils import timezone

from accounts.models import Organization
from core import retention
from payments import inbox, reconciliation
from payments.models import StripeEvent
from payments.services import customers


@shared_task
def process_stripe_event(stripe_id: str) -> None:
    inbox.process_event(stripe_id=stripe_id, now=timezone.now())


@shared_task
def sweep_stripe_events() -> None:
    """Spread what is due over the workers."""
    for stripe_id in StripeEvent.objects.due(at=timezone.now()).values_list("stripe_id", flat=True)[:1000]:
        process_stripe_event.delay(stripe_id)


@shared_task
def delete_finished_events() -> None:
    retention.delete_in_batches(StripeEvent.objects.finished(before=retention.delete_before(timezone.now())))


@shared_task
def ensure_stripe_customer(organization_pk: int) -> None:
    """Right after an organization is made. If Stripe is down, so be it: checkout makes sure."""
    customers.ensure_customer(organization=Organization.objects.get(pk=organization_pk))


@shared_task
def reconcile_stripe() -> None:
    """Raises when something could not be repaired, so that the worker's log and monitoring show it."""
    now = timezone.now()
    report = reconciliation.reconcile(since=now - reconciliation.REACH, now=now)
    if report.failed:
        raise RuntimeError("; ".join(report.failed))
