"""What the admin pages of this app have in common."""

from collections.abc import Mapping

from django.contrib import messages
from django.http import HttpRequest


def remind_to_sync(request: HttpRequest) -> None:
    messages.info(request, "Saved here. Run `manage.py sync_catalog` to bring prices and meters to Stripe.")


def json_rows(value: Mapping[str, object]) -> str:
    """A small mapping for people."""
    return ", ".join(f"{name}: {each}" for name, each in value.items()) or "–"
