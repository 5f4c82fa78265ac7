from django.apps import AppConfig


class CreditsConfig(AppConfig):
    name = "credits"
    back_office_order = 20

    def ready(self) -> None:
        from core import health, locks, navigation
        from core.locks import Rank
        from credits import (
            catalogue_file,
            models,
            reconciliation,
            stripe_catalogue,
            stripe_webhooks,  # noqa: F401  registers itself
        )
        from credits.event_types import EVENT_TYPES
        from credits.services.audit import audit_health
        from notifications import event_types
        from payments.catalogue_file import register_section
        from payments.reconciliation import register_reconciler
        from payments.stripe_catalogue import register_source

        locks.register(Rank.CATALOGUE, models.Unit, models.CreditPack)
        locks.register(Rank.PURCHASE, models.Purchase, models.PackSubscription)
        locks.register(Rank.REFUND, models.Refund, models.GiftCard)
        locks.register(Rank.HOLD, models.CreditHold)
        locks.register(Rank.WALLET, models.Wallet)
        locks.register(Rank.TOP_UP, models.WalletAlert, models.AutoTopUp)
        health.register("ledger", audit_health)
        navigation.register("Credits", "credits:overview", order=20)
        for event_type in EVENT_TYPES:
            event_types.register(event_type)
        register_source("credit packs", stripe_catalogue.packs_at_stripe)
        register_section(catalogue_file.UnitEntry)
        register_section(catalogue_file.PackEntry)
        register_reconciler("purchases", reconciliation.reconcile_purchases)
        register_reconciler("refunds", reconciliation.reconcile_refunds)
        register_reconciler("disputes", reconciliation.reconcile_disputes)
