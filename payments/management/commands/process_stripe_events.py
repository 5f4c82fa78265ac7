"""Process what is waiting in the inbox."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from payments import inbox
from payments.models import StripeEvent
from payments.services import stripe_account


class Command(BaseCommand):
    help = "Process the Stripe events that were forgotten or failed and are due, here and now."

    def handle(self, *args: Any, **options: Any) -> None:
        stripe_account.refuse_wrong_account()
        now = timezone.now()
        outcomes = inbox.process_due(now=now)
        words = ", ".join(f"{count} {status}" for status, count in sorted(outcomes.items())) or "nothing was due"
        self.stdout.write(f"Stripe events: {words}; {StripeEvent.objects.unfinished().count()} still waiting.")
        if failed := outcomes[StripeEvent.Status.FAILED]:
            raise CommandError(f"{failed} event(s) failed; the admin shows why. They are tried again.")
