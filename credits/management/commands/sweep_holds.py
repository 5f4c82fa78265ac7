"""Post the holds whose deadline has passed."""

from datetime import datetime
from typing import Any

from credits.commands import TimedCommand
from credits.quantities import as_text
from credits.services.holds import sweep_holds


class Command(TimedCommand):
    help = "Release the holds whose deadline has passed."

    def run(self, *, now: datetime, **options: Any) -> None:
        expired = sweep_holds(now=now)
        for hold in expired:
            self.stdout.write(
                f"{hold.public_id}: {as_text(hold.amount)} released at {hold.expires_at:%Y-%m-%d %H:%M} UTC."
            )
        self.stdout.write(f"Released {len(expired)} holds.")
