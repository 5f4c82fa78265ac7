"""Bring Stripe in line with the catalogue."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from core.errors import PortalError
from payments.stripe_catalogue import sync_catalogue


class Command(BaseCommand):
    help = (
        "Bring products, prices, features and meters at Stripe in line with our catalogue, register the webhook "
        "endpoint, and copy what is sold into the mirror. Running it again changes nothing."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            report = sync_catalogue(now=timezone.now(), say=self.stdout.write)
        except (PortalError, ValueError) as error:
            raise CommandError(str(error)) from error
        if not report.changes:
            self.stdout.write("Nothing to change: Stripe is in line with the catalogue.")
        if report.problems:
            raise CommandError(f"{len(report.problems)} problem(s), named above.")
