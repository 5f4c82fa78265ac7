"""What reconciliation compares for plans: Stripe's subscriptions and invoices with our rows."""

from datetime import datetime

from payments.gateway import invoices as stripe_invoices
from payments.gateway import subscriptions as stripe_subscriptions
from payments.stripe_objects import StripeInvoice, StripeSubscription
from plans.models import DunningCase, PlanCheckout, Subscription
from plans.services import billed_usage, companion_subscription, plan_changes
from plans.services.checkout import complete_checkout
from plans.services.stripe_refresh import refresh_invoice, refresh_subscription


def reconcile_subscriptions(*, since: datetime, now: datetime) -> list[str]:
    """Every subscription that is live here or new at Stripe, compared with the fresh one."""
    live_here = set(Subscription.objects.live().values_list("stripe_id", flat=True))
    new_at_stripe = {
        view.id
        for data in stripe_subscriptions.list_all(since=since)
        if "role" in (view := StripeSubscription.of(data)).metadata
    }
    repaired = []
    for stripe_id in sorted(live_here | new_at_stripe):
        before = _fingerprint(stripe_id)
        refresh_subscription(stripe_id=stripe_id, now=now)
        if _fingerprint(stripe_id) != before:
            repaired.append(f"took over {stripe_id}")
    for checkout in PlanCheckout.objects.filter(status=PlanCheckout.Status.OPEN, created_at__gte=since):
        if complete_checkout(checkout=checkout, now=now).status != PlanCheckout.Status.OPEN:
            repaired.append(f"closed checkout {checkout.public_id}")
    repaired += [f"finished {change}" for change in plan_changes.resume_pending(now=now)]
    companion_subscription.sync_all_companions(now=now)
    return repaired


def reconcile_invoices(*, since: datetime, now: datetime) -> list[str]:
    """Invoices made since then, and those whose case is open, compared with what came of them here."""
    recent = {
        view.id for data in stripe_invoices.list_since(since=since) if (view := StripeInvoice.of(data)).subscription
    }
    known = set(DunningCase.objects.open().values_list("stripe_invoice_id", flat=True))
    repaired = []
    for invoice in sorted(filter(None, recent | known)):
        before = _cases(invoice)
        refresh_invoice(stripe_id=invoice, now=now)
        if _cases(invoice) != before:
            repaired.append(f"followed invoice {invoice}")
    if delivered := billed_usage.deliver(now=now):
        repaired.append(f"delivered {delivered} total(s) of billed usage")
    return repaired


def _fingerprint(stripe_id: str) -> tuple[object, ...]:
    """What matters of our row, in a form that compares."""
    columns = ("plan_id", "interval", "quantity", "status", "role", "cancel_at", "current_period_end")
    return tuple(Subscription.objects.filter(stripe_id=stripe_id).values_list(*columns))


def _cases(invoice: str) -> tuple[object, ...]:
    return tuple(DunningCase.objects.filter(stripe_invoice_id=invoice).values_list("state", "attempts"))
