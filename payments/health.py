"""The inbox's line of `/readyz`."""

from datetime import timedelta

from django.utils import timezone

from core.health import Health
from payments.models import StripeEvent

TOO_OLD = timedelta(minutes=15)


def oldest_event() -> Health:
    """Unready when an event has been waiting for longer than any ordinary outage of a worker."""
    oldest = StripeEvent.objects.unfinished().order_by("received_at").values_list("received_at", flat=True).first()
    if oldest is None:
        return Health(ok=True, detail="nothing is waiting")
    age = timezone.now() - oldest
    return Health(ok=age <= TOO_OLD, detail=f"the oldest unprocessed event has waited {int(age.total_seconds())} s")
