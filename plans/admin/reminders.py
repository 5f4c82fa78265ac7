"""What the pages of the catalogue say after a change."""

from django.contrib import messages
from django.http import HttpRequest


def remind_to_sync(request: HttpRequest) -> None:
    messages.info(request, "Saved here. Run `manage.py sync_catalog` to bring prices and meters to Stripe.")
