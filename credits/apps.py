from django.apps import AppConfig


class CreditsConfig(AppConfig):
    name = "credits"

    def ready(self) -> None:
        from accounts import health
        from credits import webhooks  # noqa: F401  registers itself
        from credits.registrations import register_all
        from credits.services.audit import audit_health

        health.register("ledger", audit_health)
        register_all()
