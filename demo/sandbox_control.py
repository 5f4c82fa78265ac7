"""The demo's hand on the Stripe sandbox: customers who pay, and its clock. Over HTTP, as anybody could."""

import json
import urllib.request
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

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


def pay(session: str) -> None:
    """A customer fills in the hosted page. Raises RuntimeError when that did not pay."""
    outcome = control("pay", session=session, card="4242424242424242")
    if outcome["status"] != "complete":
        raise RuntimeError(f"The sandbox did not take the payment: {outcome['message']}")


def replace_card(*, customer: str, subscription: str, card: str) -> None:
    """Let this test card (https://docs.stripe.com/testing) pay what is due from now on, by Stripe's own API."""
    method = _stripe(f"payment_methods/{card}/attach", customer=customer)["id"]
    _stripe(f"customers/{customer}", **{"invoice_settings[default_payment_method]": method})
    _stripe(f"subscriptions/{subscription}", default_payment_method=method)


def _stripe(path: str, **values: str) -> Any:
    request = urllib.request.Request(  # noqa: S310  the sandbox's own address
        f"{settings.STRIPE_SANDBOX_URL}/v1/{path}",
        data=urlencode(values).encode(),
        headers={"Authorization": f"Bearer {settings.STRIPE_SECRET_KEY}"},
    )
    with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
        return json.load(answer)


def move_clock(to: datetime) -> None:
    """Put the clock there and let it run on; what falls due on the way happens."""
    control("clock", to=to.isoformat())


def pause_webhooks(*, paused: bool) -> None:
    """While the clock is in the past nothing is delivered: the portal refuses webhooks that are old."""
    control("delivery", paused=paused)
