"""What invoices mean for plans: overdue ones, paid ones, and those that bill a window of usage."""

from datetime import datetime

from core.background import after_commit
from credits.models import PackSubscription
from payments.stripe_objects import StripeInvoice
from plans.models import Subscription
from plans.services import billed_usage, dunning
from plans.services.stripe_refresh import refresh_invoice, refresh_subscription


def sync_invoice(*, view: StripeInvoice, event_created: datetime, now: datetime) -> None:
    """Act on the fresh state of an invoice: its dunning case, and the usage that it bills. Calls nothing outside."""
    if view.subscription is None or view.id is None:
        return
    subscription = (
        Subscription.objects.select_related("organization", "plan").filter(stripe_id=view.subscription).first()
    )
    if subscription is None:
        packs = PackSubscription.objects.select_related("organization", "pack")
        if pack := packs.filter(stripe_subscription=view.subscription).first():
            dunning.sync_case(view=view, subscription=pack, failed_at=event_created, now=now)
        elif "role" in view.subscription_metadata:
            # Its subscription's event has not come yet: fetch the subscription, then come back to this.
            after_commit("plans.tasks.refresh_invoice", view.subscription, view.id)
        return
    dunning.sync_case(view=view, subscription=subscription, failed_at=event_created, now=now)
    if view.status == "draft":
        # That is billed_usage.close_window, which calls Stripe: this runs in the inbox's transaction.
        after_commit("plans.tasks.close_window", view.id)
    else:
        billed_usage.record_invoice(view=view, organization=subscription.organization, now=now)


def refresh_with_subscription(*, subscription: str, invoice: str, now: datetime) -> None:
    """First the subscription, then its invoice: an invoice is matched by our row of its subscription."""
    refresh_subscription(stripe_id=subscription, now=now)
    if Subscription.objects.filter(stripe_id=subscription).exists():
        refresh_invoice(stripe_id=invoice, now=now)
