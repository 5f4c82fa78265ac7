"""What everything here is made of."""

from __future__ import annotations

from typing import Any

# An object as Stripe shows it: its attributes by name, `id` and `object` among them. Answers are checked against the
# types of the `stripe` package (`tests/stripe_sandbox/test_shapes.py`), not every line of this package.
StripeObject = dict[str, Any]

# The parameters of a request, read and checked (`parameters.py`).
Params = dict[str, Any]
