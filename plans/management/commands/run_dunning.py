"""Take the dunning steps that come with time."""

from datetime import datetime
from typing import Any

from core.timed_command import TimedCommand
from plans.models import DunningCase
from plans.services.dunning import run_dunning


class Command(TimedCommand):
    help = "Suspend what has been unpaid for 14 days, and say what is overdue and what happens next."

    def run(self, *, now: datetime, **options: Any) -> None:
        for case in run_dunning(now=now):
            self.stdout.write(f"Suspended {case.subscription} over {case}.")
        waiting = DunningCase.objects.open().select_related(
            "organization", "subscription__plan", "pack_subscription__pack"
        )
        for case in waiting.order_by("first_failed_at"):
            self.stdout.write(f"{case.what} of {case.organization}: {case}, attempt {case.attempts}. {case.next_step}")
        self.stdout.write(f"{waiting.count()} invoice(s) overdue.")
