"""Payments in the back office: the inbox, our customers at Stripe, and dj-stripe's mirror."""

from payments.admin import catalogue, customers, inbox, mirror

__all__ = ["catalogue", "customers", "inbox", "mirror"]
