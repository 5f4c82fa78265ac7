"""The tally's line of `/readyz`."""

from datetime import timedelta

from django.utils import timezone

from core.health import Health
from usage.models import TallyRun

TALLY_EXPECTED_EVERY = timedelta(hours=6)
TALLY_GRACE = timedelta(hours=1)


def tally_is_fresh() -> Health:
    last = TallyRun.objects.exclude(finished_at=None).order_by("-started_at").first()
    if last is None:
        return Health(ok=True, detail="none yet; the first runs at the next full six hours UTC")
    age = timezone.now() - last.started_at
    hours = age.total_seconds() / 3600
    return Health(ok=age <= TALLY_EXPECTED_EVERY + TALLY_GRACE, detail=f"the last began {hours:.1f} h ago")
