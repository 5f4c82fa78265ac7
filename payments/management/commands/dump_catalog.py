"""Write the catalogue as a file."""

from typing import Any

from django.core.management.base import BaseCommand

from payments.catalogue_file import dump


class Command(BaseCommand):
    help = "Write the present catalogue as TOML, in the form that load_catalog reads."

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(dump(), ending="")
