from django.apps import AppConfig


class PlansConfig(AppConfig):
    name = "plans"
    back_office_order = 30

    def ready(self) -> None:
        from core import locks, navigation
        from core.locks import Rank
        from notifications import event_types
        from payments.catalogue_file import register_section
        from payments.reconciliation import register_reconciler
        from payments.stripe_catalogue import register_source
        from plans import (
            catalogue_file,
            models,
            reconciliation,
            stripe_catalogue,
            stripe_webhooks,  # noqa: F401  registers itself
        )
        from plans.event_types import EVENT_TYPES

        locks.register(Rank.CATALOGUE, models.Meter, models.Plan)
        locks.register(Rank.SUBSCRIPTION, models.Subscription)
        locks.register(Rank.PLAN_CHANGE, models.PlanChange)
        locks.register(Rank.ON_DEMAND, models.OnDemand)
        locks.register(Rank.USAGE_LINE, models.BilledUsage)
        navigation.register("Plan", "plans:plan", order=40)
        navigation.register("Invoices", "plans:invoices", order=50)
        for event_type in EVENT_TYPES:
            event_types.register(event_type)
        register_source("plans", stripe_catalogue.specs)
        register_section(catalogue_file.MeterEntry)
        register_section(catalogue_file.PlanEntry)
        register_reconciler("subscriptions", reconciliation.reconcile_subscriptions)
        register_reconciler("plan invoices", reconciliation.reconcile_invoices)
