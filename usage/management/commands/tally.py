"""Settle usage now."""

from datetime import datetime
from typing import Any

from django.core.management.base import CommandError, CommandParser

from accounts.models import Organization
from core.quantities import as_text
from core.timed_command import TimedCommand
from usage.services.tally import tally


class Command(TimedCommand):
    help = "Pay for usage beyond what is included: credits first, then bills, the rest stays unpaid."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--organization", metavar="ORG", help="only this one (org_…)")

    def run(self, *, now: datetime, organization: str | None = None, **options: Any) -> None:
        only = None
        if organization is not None:
            only = Organization.objects.filter(public_id=organization).first()
            if only is None:
                raise CommandError(f"There is no organization {organization}.")
        run = tally(now=now, organization=only)
        self.stdout.write(
            f"Settled {run.organizations} organizations with {run.events} new events: "
            f"{as_text(run.credits)} credits drawn, in {run.seconds} s."
        )
        for trouble in run.troubles.select_related("organization"):
            self.stderr.write(f"{trouble.organization.public_id}: {trouble.error}")
        if run.errors:
            raise CommandError(f"{run.errors} organizations could not be settled.")
