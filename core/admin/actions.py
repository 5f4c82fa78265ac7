"""What actions on several records share."""

from collections.abc import Callable, Iterable
from typing import TypeVar

from django.contrib import messages
from django.http import HttpRequest

from core.errors import PortalError

Record = TypeVar("Record")


def for_each(request: HttpRequest, records: Iterable[Record], act: Callable[[Record], object]) -> int:
    """An action's loop: who is refused is named with the reason, the others go on. Returns to how many it was done."""
    done = 0
    for record in records:
        try:
            act(record)
        except PortalError as refusal:
            messages.error(request, f"{record}: {refusal.message}")
        else:
            done += 1
    return done
