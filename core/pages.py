"""Small things that pages of every app share."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.contrib import messages
from django.http import HttpRequest

from core.errors import PortalError


@contextmanager
def refusal_as_message(request: HttpRequest) -> Iterator[None]:
    """Show a service's refusal on the next page. What stands after the service call inside the block is skipped."""
    try:
        yield
    except PortalError as refusal:
        messages.error(request, refusal.message)
