"""What the workers do for usage. Each hands on to a service."""

from datetime import datetime

from celery import shared_task
from django.utils import timezone

from accounts.models import Organization
from usage.models import TallyRun
from usage.services import holds, meter_alerts, meter_states, settlement, tally


@shared_task
def tally_all() -> None:
    """Split what waits over the workers, by organization."""
    now = timezone.now()
    run, batches = tally.begin_tally(now=now)
    for batch in batches:
        tally_batch.delay(run.pk, batch, now.isoformat())


@shared_task
def tally_batch(run_pk: int, organization_ids: list[int], at: str) -> None:
    now = datetime.fromisoformat(at)
    tally.tally_batch(run=TallyRun.objects.get(pk=run_pk), organization_ids=organization_ids, now=now)


@shared_task
def settle_and_check_organization(organization_pk: int) -> None:
    organization, now = Organization.objects.get(pk=organization_pk), timezone.now()
    meter_states.mark_unpaid_due(now=now, organization=organization)
    settlement.settle_organization(organization=organization, now=now)
    meter_alerts.check_meters(now=now, organization_ids=[organization_pk])


@shared_task
def check_meters() -> None:
    meter_alerts.check_meters(now=timezone.now())


@shared_task
def sweep_holds() -> None:
    holds.sweep_holds(now=timezone.now())
