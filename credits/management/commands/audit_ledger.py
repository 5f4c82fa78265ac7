"""Prove the ledger."""

from datetime import datetime
from typing import Any

from django.core.management.base import CommandError

from core.timed_command import TimedCommand
from credits.services.audit import audit_ledger


class Command(TimedCommand):
    help = "Prove every wallet from its entries, grants and holds. Exits non-zero and names each difference."

    def run(self, *, now: datetime, **options: Any) -> None:
        run = audit_ledger(now=now)
        for difference in run.differences:
            self.stderr.write(difference)
        if not run.is_clean:
            raise CommandError(f"{len(run.differences)} differences in {run.wallets} wallets, each named above.")
        self.stdout.write(f"Clean: {run.wallets} wallets, {run.entries} entries, {run.duration_ms} ms.")
