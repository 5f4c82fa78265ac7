from django.apps import AppConfig


class PlansConfig(AppConfig):
    name = "plans"

    def ready(self) -> None:
        from accounts import navigation
        from payments import catalogue, reconciliation
        from plans import reconcilers, stripe_catalogue, webhooks  # noqa: F401  webhooks register themselves
        from plans.catalogue_file import register_sections
        from plans.services.announcements import register_event_types

        catalogue.register_source("plans", stripe_catalogue.specs)
        reconciliation.register("subscriptions", reconcilers.reconcile_subscriptions)
        reconciliation.register("plan invoices", reconcilers.reconcile_invoices)
        navigation.register("Plan", "plans:plan", 40)
        navigation.register("Invoices", "plans:invoices", 50)
        register_sections()
        register_event_types()
