"""Payments in the back office: the inbox, who is who at Stripe, and dj-stripe's mirror to look things up in."""

from payments.admin import catalogue, customers, inbox, mirror

__all__ = ["catalogue", "customers", "inbox", "mirror"]
