from celery.signals import worker_init
from django.apps import AppConfig, apps
from django.db import transaction


class PaymentsConfig(AppConfig):
    name = "payments"
    back_office_order = 50
    verbose_name = "Payments"

    def ready(self) -> None:
        from accounts import hooks
        from accounts.models import Organization
        from core import health as readiness
        from core import locks
        from core.locks import Rank
        from payments import checks, health, stripe_webhooks  # noqa: F401  checks and webhooks register themselves
        from payments.models import CatalogueEntry, Customer
        from payments.tasks import ensure_stripe_customer

        locks.register(Rank.CATALOGUE, CatalogueEntry)
        locks.register(Rank.CUSTOMER, Customer)

        @hooks.on_organization_created
        def make_customer(organization: Organization) -> None:
            transaction.on_commit(lambda: ensure_stripe_customer.delay(organization.pk), robust=True)

        mirror = apps.get_app_config("djstripe")
        mirror.verbose_name = "Copies of Stripe's records"
        mirror.back_office_order = 70  # type: ignore[attr-defined]
        readiness.register("stripe_inbox", health.inbox)
        readiness.register("stripe_account", health.account)
        worker_init.connect(end_worker_of_wrong_account, dispatch_uid="payments.refuse_wrong_account")


def end_worker_of_wrong_account(**kwargs: object) -> None:
    """Ends a starting worker. Celery only logs what a signal's receiver raises, except for this."""
    from payments.errors import WrongAccount
    from payments.services.stripe_account import refuse_wrong_account

    try:
        refuse_wrong_account()
    except WrongAccount as error:
        raise SystemExit(str(error)) from error
