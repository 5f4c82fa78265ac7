"""The back office of plans: the catalogue, who is on what, and what is overdue."""

from plans.admin import catalogue, dunning, metered, meters, subscriptions

__all__ = ["catalogue", "dunning", "metered", "meters", "subscriptions"]
