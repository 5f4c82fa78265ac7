"""What the workers do for the API kit."""

from celery import shared_task
from django.utils import timezone

from core.models import IdempotentRequest


@shared_task
def forget_idempotent_requests() -> None:
    IdempotentRequest.objects.forgettable(at=timezone.now()).delete()
