"""The demo's customers and their history."""

from typing import Any

from django.conf import settings
from django.core.management import BaseCommand, CommandError, call_command
from django.utils import timezone

from demo import cast, sandbox_control
from demo.story import Story

CATALOGUE = settings.BASE_DIR / "demo" / "catalogue.toml"


class Command(BaseCommand):
    help = "Load the demo's catalogue, invent its customers and their last months, and print the logins. Once."

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.DEMO:
            raise CommandError("This invents customers. Set DEMO=1 if this database is for a demo.")
        if not settings.STRIPE_SANDBOX:
            raise CommandError("The demo's customers pay at the bundled sandbox. Unset STRIPE_SECRET_KEY.")
        if cast.is_settled():
            call_command("load_catalog", str(CATALOGUE), stdout=self.stderr)
            call_command("sync_catalog", stdout=self.stderr)
        else:
            self._tell()
        self.stdout.write(cast.logins())

    def _tell(self) -> None:
        """In the past first: the sandbox's clock can be put back only while it is empty."""
        story = Story(today=timezone.now())
        sandbox_control.control("reset")
        sandbox_control.pause_webhooks(paused=True)
        sandbox_control.move_clock(story.start)
        call_command("load_catalog", str(CATALOGUE), stdout=self.stderr)
        call_command("sync_catalog", stdout=self.stderr)
        story.tell(staff=cast.hire_boss())
        sandbox_control.move_clock(timezone.now())
        sandbox_control.pause_webhooks(paused=False)
        cast.hire_support()
