"""``manage.py stripe_sandbox``: the same as ``python -m stripe_sandbox``."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from stripe_sandbox.__main__ import add_arguments, serve


class Command(BaseCommand):
    """Run the bundled Stripe stand-in in the foreground."""

    help = "Run the bundled Stripe sandbox (development, demo and tests; never production)."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        add_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        serve(host=options["host"], port=options["port"], state=options["state"], public_url=options["public_url"])
