"""How pages show a service's refusal: above the next page, or in the form that asked for it."""

from collections.abc import Iterator
from contextlib import contextmanager

from django import forms
from django.contrib import messages
from django.http import HttpRequest

from core.errors import InvalidInput, PortalError


@contextmanager
def refusal_as_message(request: HttpRequest) -> Iterator[None]:
    """Show a service's refusal on the next page. What stands after the service call inside the block is skipped."""
    try:
        yield
    except PortalError as refusal:
        messages.error(request, refusal.message)


def add_refusal(form: forms.Form, refusal: PortalError) -> None:
    """Show a service's refusal at the field it names, or above the form."""
    field = refusal.field if isinstance(refusal, InvalidInput) and refusal.field in form.fields else None
    form.add_error(field, refusal.message)
