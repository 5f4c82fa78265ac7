"""Load a catalogue file."""

from argparse import FileType
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from payments.catalogue_file import CatalogueRefused, load


class Command(BaseCommand):
    help = (
        "Create or update units, packs, meters and plans from a TOML file, all or nothing. What is not in the file is "
        "left alone. Nothing goes to Stripe until sync_catalog."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=FileType("rb"), metavar="FILE", help="the catalogue; - reads standard input")
        parser.add_argument("--dry-run", action="store_true", help="only say what would be done")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            outcomes = load(text=options["file"].read().decode(), now=timezone.now(), dry_run=options["dry_run"])
        except UnicodeDecodeError as error:
            raise CommandError(f"The file is not UTF-8: {error}") from error
        except CatalogueRefused as refused:
            problems = "\n".join(f"  {problem}" for problem in refused.problems)
            raise CommandError(f"Nothing was changed. {len(refused.problems)} problem(s):\n{problems}") from refused
        changed = [outcome for outcome in outcomes if outcome.verb != "unchanged"]
        for outcome in changed:
            self.stdout.write(str(outcome))
        self.stdout.write(f"{len(changed)} changed, {len(outcomes) - len(changed)} unchanged.")
        if options["dry_run"]:
            self.stdout.write("Dry run: nothing was changed.")
        else:
            self.stdout.write("Run sync_catalog to bring Stripe in line.")
