"""What credits bring to the apps below: event types, things for sale, tables of the catalogue file, repairs."""

from datetime import datetime

from accounts import navigation
from accounts.background import after_commit
from accounts.permissions import Permission
from credits import hooks
from credits.catalogue import packs_at_stripe
from credits.catalogue_file import PACKS, UNITS
from credits.models import Wallet
from credits.reconciliation import reconcile_disputes, reconcile_purchases, reconcile_refunds
from credits.services.alerts import say_if_low
from notifications.registry import EventType, register
from payments import catalogue, catalogue_file, reconciliation

EVENT_TYPES = [
    EventType(
        code="credits.granted",
        title="Credits added",
        description="Credits were bought, given, or redeemed from a gift card. A purchase's `resume` comes back here.",
    ),
    EventType(
        code="credits.low",
        title="Credits are running low",
        description="Less than a fifth is left of the last top-up, or less than your own threshold. Once per top-up.",
        email=True,
        optional=True,
    ),
    EventType(
        code="credits.exhausted",
        title="Credits are used up",
        description="Nothing is available any more. Once per top-up.",
        email=True,
        optional=True,
    ),
    EventType(
        code="credits.expiring",
        title="Credits will expire",
        description="Credits nobody has used expire in 30 days, and again in 7.",
        email=True,
        optional=True,
    ),
    EventType(
        code="gift_card.redeemed",
        title="Gift card redeemed",
        description="A gift card became credits of this organization.",
    ),
    EventType(
        code="refund.completed",
        title="Refund sent",
        description="Money of a purchase went back to the card it came from.",
        email=True,
    ),
    EventType(
        code="purchase.receipt",
        title="Receipt",
        description="What was bought and paid.",
        email=True,
        webhook=False,
    ),
    EventType(
        code="purchase.failed",
        title="Payment failed",
        description="A payment that was under way came to nothing. Nothing was charged and nothing was granted.",
        email=True,
        webhook=False,
    ),
    EventType(
        code="top_up.switched_off",
        title="Automatic top-up switched off",
        description="The saved card was declined, or the bank wants you to confirm. What to do next.",
        email=True,
        webhook=False,
    ),
]


def balance_fell(*, wallet: Wallet, now: datetime) -> None:
    """A draw reached the wallet's watch: say so, and top up if that is asked for."""
    say_if_low(wallet=wallet, now=now)
    after_commit("credits.tasks.top_up_wallet", wallet.pk)


def register_all() -> None:
    hooks.on_low(balance_fell)
    for event_type in EVENT_TYPES:
        register(event_type)
    catalogue.register_source("credit packs", packs_at_stripe)
    catalogue_file.register_section(UNITS)
    catalogue_file.register_section(PACKS)
    reconciliation.register("purchases", reconcile_purchases)
    reconciliation.register("refunds", reconcile_refunds)
    reconciliation.register("disputes", reconcile_disputes)
    navigation.register("Credits", "credits:overview", 20, Permission.VIEW)
