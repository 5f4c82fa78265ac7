"""One file per Stripe resource: what the object is, and what can be done to it."""
