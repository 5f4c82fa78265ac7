"""Repair what lost webhooks left out: compare the last days of Stripe with what we have.

First the events themselves: those that Stripe has on record and the inbox never saw are taken in and processed, which
heals everything that an event would have done. Then each app's own comparison, by objects instead of events, for what
events could not heal (its own row never made, an event given up). Repeating either changes nothing.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from payments import inbox
from payments.gateway import events
from payments.inbox.deliveries import store
from payments.inbox.enabled_events import is_enabled
from payments.models import StripeEvent
from payments.services import stripe_account

logger = logging.getLogger(__name__)

REACH = timedelta(hours=72)


class Reconciler(Protocol):
    """Compares Stripe since a moment with ours and repairs the difference through services.

    Returns in words what it repaired.
    """

    def __call__(self, *, since: datetime, now: datetime) -> list[str]: ...


_reconcilers: dict[str, Reconciler] = {}


@dataclass
class Report:
    """What was repaired, and what could not be, in words."""

    repaired: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)


def register_reconciler(name: str, reconciler: Reconciler) -> None:
    """Add an app's comparison. `name` is what it compares: `"purchases"`."""
    _reconcilers[name] = reconciler


def reconcile(*, since: datetime, now: datetime, say: Callable[[str], None] = logger.info) -> Report:
    """Compare and repair everything since then. One comparison's trouble does not stop the others."""
    stripe_account.verify(now=now)
    report = Report()
    for name, reconciler in {"events": fetch_missed_events, **_reconcilers}.items():
        try:
            repaired = reconciler(since=since, now=now)
        except Exception as error:
            logger.exception("Reconciling %s failed", name)
            report.failed.append(f"{name}: {error}")
            say(f"{name}: failed: {error}")
        else:
            report.repaired += [f"{name}: {what}" for what in repaired]
            say(f"{name}: {'; '.join(repaired) if repaired else 'nothing to repair'}")
    return report


def fetch_missed_events(*, since: datetime, now: datetime) -> list[str]:
    """Take in the events that Stripe has on record and never got through to us, oldest first."""
    at_stripe = [event for event in events.list_since(since=since) if is_enabled(event["type"])]
    stored = StripeEvent.objects.filter(stripe_id__in=[event["id"] for event in at_stripe])
    known = set(stored.values_list("stripe_id", flat=True))
    repaired = []
    for payload in reversed(at_stripe):
        if payload["id"] in known:
            continue
        event = store(payload=payload, now=now)
        inbox.process_event(stripe_id=event.stripe_id, now=now)
        repaired.append(f"took in {event.type} {event.stripe_id}")
    return repaired
