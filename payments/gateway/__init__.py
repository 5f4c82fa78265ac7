"""The only code that talks to Stripe.

One module per Stripe resource, keyword-only functions, plain dicts back. Every write takes an `idempotency_key`, which
the caller has committed with its own row before calling: a retry after a crash, a timeout or a lost answer then finds
what the first attempt made. Errors are those of `payments.errors`: nothing outside needs the `stripe` library.

No call may be made inside a transaction (it raises `RuntimeError`): while locks are held, nobody waits for a network.
"""

from payments.gateway import (
    accounts,
    catalogue,
    checkout,
    customers,
    events,
    invoices,
    meters,
    payments,
    portal,
    refunds,
    subscriptions,
)

__all__ = [
    "accounts",
    "catalogue",
    "checkout",
    "customers",
    "events",
    "invoices",
    "meters",
    "payments",
    "portal",
    "refunds",
    "subscriptions",
]
