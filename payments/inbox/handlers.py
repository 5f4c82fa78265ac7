"""Which functions act on which events: those of each app's `stripe_webhooks.py`, imported by `AppConfig.ready()`."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from fnmatch import fnmatchcase
from typing import Protocol

from payments.stripe_objects.fields import StripeObject


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectChange:
    """A Stripe object about which an event came.

    `data` is the object as Stripe has it now, read by `payments/gateway/objects.py`, not as it was when the event was
    made. What it refers to is an id, except that there stand in full: in a checkout session its lines, and its payment
    intent with that one's latest charge; in a payment intent its latest charge; in an invoice its payments and all of
    its lines; in a charge its refunds. Of an object that is gone `data` has `"deleted": True`.
    """

    data: StripeObject
    event_type: str
    event_created: datetime
    now: datetime


class Handler(Protocol):
    """Acts on the state of a Stripe object.

    The same state may come any number of times and states in any order, so a handler brings our rows in line with the
    state, and never adds to them.
    It runs in a transaction that holds this object's lock, and calls nothing outside.
    """

    def __call__(self, change: ObjectChange) -> None: ...


_handlers: list[tuple[str, Handler]] = []


def handles(*patterns: str) -> Callable[[Handler], Handler]:
    """Register a handler for event types such as `"invoice.paid"` or `"checkout.session.*"`."""

    def register(handler: Handler) -> Handler:
        _handlers.extend((pattern, handler) for pattern in patterns if (pattern, handler) not in _handlers)
        return handler

    return register


def handlers_for(event_type: str) -> list[Handler]:
    """Each handler once, in the order of registration."""
    matching = [handler for pattern, handler in _handlers if fnmatchcase(event_type, pattern)]
    return list(dict.fromkeys(matching))


def patterns() -> list[str]:
    """Every pattern that a handler is registered for."""
    return sorted({pattern for pattern, _ in _handlers})
