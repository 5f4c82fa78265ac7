"""Compare Stripe with ours and repair the difference."""

import re
from argparse import ArgumentTypeError
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from core.errors import PortalError
from payments import reconciliation

UNITS = {"m": "minutes", "h": "hours", "d": "days"}


def duration(text: str) -> timedelta:
    """`90m`, `72h` or `30d`."""
    match = re.fullmatch(r"(\d{1,5})([mhd])", text)
    if match is None or int(match[1]) == 0:
        raise ArgumentTypeError(f"{text!r} is not a duration such as 90m, 72h or 30d")
    return timedelta(**{UNITS[match[2]]: int(match[1])})


class Command(BaseCommand):
    help = "Compare what happened at Stripe lately with what we have, and repair what lost webhooks left out."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--since",
            type=duration,
            default=reconciliation.REACH,
            metavar="DURATION",
            help="how far to look back: 90m, 72h (the default), 30d; Stripe keeps events for 30 days",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        now = timezone.now()
        try:
            report = reconciliation.reconcile(since=now - options["since"], now=now, say=self.stdout.write)
        except PortalError as error:
            raise CommandError(error.message) from error
        self.stdout.write(f"Repaired {len(report.repaired)} difference(s).")
        if report.failed:
            raise CommandError(f"{len(report.failed)} comparison(s) failed, named above.")
