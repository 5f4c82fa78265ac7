"""What can be switched in a running sandbox (``POST /_sandbox/settings``), with the defaults."""

from __future__ import annotations

from typing import Any

DEFAULTS: dict[str, Any] = {
    # Who the merchant is.
    "account_name": "Sandbox Merchant",
    # Percent added by Stripe Tax where automatic tax is on.
    "tax_percent": "0",
    # A delayed payment ends this long after it began: 3 days.
    "delayed_payment_seconds": 3 * 86400,
    # How a delayed payment ends when nobody decides: "succeed", "fail" or "wait".
    "delayed_payment_outcome": "succeed",
    # A refund that fails later does so after this long.
    "refund_failure_seconds": 3 * 86400,
    # Renewal invoices are finalised at once, or an hour after they were drafted as at Stripe.
    "finalize_at_once": True,
    # Days between the attempts at a renewal that fails, and what becomes of the subscription after the last.
    "retry_days": [3, 5, 7],
    "after_retries": "past_due",  # or "unpaid" or "canceled"
    # ``invoice.upcoming`` is sent this many days before a renewal.
    "upcoming_days": 7,
    # Webhook delivery: see webhooks.py.
    "delivery": {},
    # Fault injection: see faults.py.
    "faults": [],
    # Clock: see clock.py.
    "clock_offset": 0.0,
    "clock_frozen_at": None,
}

# What ``/_sandbox/settings`` may change; the rest have endpoints of their own.
CHANGEABLE = frozenset(DEFAULTS) - {"delivery", "faults", "clock_offset", "clock_frozen_at"}
