import sys
from typing import Any

from django.core.management.base import BaseCommand

from demo import launcher


class Command(BaseCommand):
    help = "Run the whole portal on this machine, with demo data, until interrupted. `make demo` does the rest."
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        sys.exit(launcher.run(lambda text: self.stdout.write(text)))
