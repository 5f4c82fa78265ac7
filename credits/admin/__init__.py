"""Credits in the back office."""

from credits.admin import audits, catalogue, gift_cards, grants, ledger, purchases

__all__ = ["audits", "catalogue", "gift_cards", "grants", "ledger", "purchases"]
