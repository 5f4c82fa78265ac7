"""The base of management commands that depend on time: `--at`."""

from argparse import ArgumentTypeError
from datetime import UTC, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone


def instant(text: str) -> datetime:
    """An ISO 8601 time; without a zone it is UTC."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is not an ISO 8601 time such as 2026-06-15T12:00:00Z") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


class TimedCommand(BaseCommand):
    """A command that takes `--at ISO8601` and does what it does as of then; now by default."""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--at", type=instant, metavar="ISO8601", help="as of this time instead of now")

    def handle(self, *args: Any, at: datetime | None = None, **options: Any) -> None:
        self.run(now=at or timezone.now(), **options)

    def run(self, *, now: datetime, **options: Any) -> None:
        raise NotImplementedError
