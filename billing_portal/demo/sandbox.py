"""The demo's hand on the Stripe sandbox: customers who pay, and its clock. Over HTTP, as anybody could."""

import json
import urllib.request
from datetime import datetime
from typing import Any

from django.conf import settings


def control(action: str, **values: Any) -> Any:
    """Call one of the sandbox's control endpoints (docs/stripe-sandbox.md)."""
    request = urllib.request.Request(  # noqa: S310  the sandbox's own address
        f"{settings.STRIPE_SANDBOX_URL}/_sandbox/{action}",
        data=json.dumps(values).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
        return json.load(answer)


def pay(session: str, *, card: str = "4242424242424242") -> None:
    """A customer fills in the hosted page."""
    control("pay", session=session, card=card)


def move_clock(to: datetime) -> None:
    """Put the clock there and let it run on; what falls due on the way happens."""
    control("clock", to=to.isoformat())


def pause_webhooks(*, paused: bool) -> None:
    """While the clock is in the past nothing is delivered: the portal refuses webhooks that are old."""
    control("delivery", paused=paused)
