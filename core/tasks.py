"""What workers do for the API kit."""

from celery import shared_task
from django.utils import timezone

from core.models import IdempotentRequest


@shared_task
def delete_old_idempotent_requests() -> None:
    IdempotentRequest.objects.older_than_kept(at=timezone.now()).delete()
