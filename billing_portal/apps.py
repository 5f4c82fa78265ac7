from django.apps import AppConfig


class BillingPortalConfig(AppConfig):
    name = "billing_portal"
    verbose_name = "Billing portal"

    def ready(self) -> None:
        from billing_portal.health_checks import broker, cache_answers, database
        from core import health, navigation

        health.register("database", database)
        health.register("cache", cache_answers)
        health.register("broker", broker)
        navigation.register("Overview", "overview", order=10)
