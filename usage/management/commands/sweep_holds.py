"""Post the holds whose deadline has passed: those of meters, and those of plain credits."""

from datetime import datetime
from typing import Any

from core.quantities import as_text
from core.timed_command import TimedCommand
from usage.models import UsageHold
from usage.services.holds import sweep_holds


class Command(TimedCommand):
    help = "Release the holds whose deadline has passed."

    def run(self, *, now: datetime, **options: Any) -> None:
        expired = sweep_holds(now=now)
        for hold in expired:
            if isinstance(hold, UsageHold):
                what = f"{as_text(hold.quantity)} of {hold.meter.code}"
            else:
                what = as_text(hold.amount)
            self.stdout.write(f"{hold.public_id}: {what} released at {hold.expires_at:%Y-%m-%d %H:%M} UTC.")
        self.stdout.write(f"Released {len(expired)} holds.")
