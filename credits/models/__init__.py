"""Units, wallets, grants, the ledger and holds; packs, purchases, gift cards, refunds, disputes and top-ups."""

from credits.models.audits import AuditRun
from credits.models.gift_cards import GiftCard, GiftCardOrder
from credits.models.grants import CreditGrant
from credits.models.holds import CreditHold, HoldReservation
from credits.models.ledger_entries import LedgerEntry
from credits.models.packs import CreditPack, Recurrence
from credits.models.purchases import PackSubscription, Purchase
from credits.models.refunds import Dispute, Refund
from credits.models.top_ups import AutoTopUp
from credits.models.units import Unit
from credits.models.wallet_alerts import WalletAlert
from credits.models.wallets import Wallet

__all__ = [
    "AuditRun",
    "AutoTopUp",
    "CreditGrant",
    "CreditHold",
    "CreditPack",
    "Dispute",
    "GiftCard",
    "GiftCardOrder",
    "HoldReservation",
    "LedgerEntry",
    "PackSubscription",
    "Purchase",
    "Recurrence",
    "Refund",
    "Unit",
    "Wallet",
    "WalletAlert",
]
