"""The back office of plans: the catalogue, who is on what, and what is overdue."""

from plans.admin import billed_usage, catalogue, dunning, meters, subscriptions

__all__ = ["billed_usage", "catalogue", "dunning", "meters", "subscriptions"]
