"""Post what has lapsed."""

from datetime import datetime
from typing import Any

from core.quantities import as_text
from core.timed_command import TimedCommand
from credits.services.expiry import expire_credits


class Command(TimedCommand):
    help = "Post the credits that have lapsed, after settling what was used until then."

    def run(self, *, now: datetime, **options: Any) -> None:
        lapsed = expire_credits(now=now)
        for one in lapsed:
            self.stdout.write(f"{one.wallet}: {as_text(one.amount)} lapsed at {one.at:%Y-%m-%d %H:%M:%S} UTC.")
        self.stdout.write(f"Posted {len(lapsed)} expiries.")
