"""Whatever was begun here and never answered by Stripe is asked for again, with the same idempotency key.

A refund only after a look at which refunds Stripe has.
"""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

from core.errors import PortalError
from credits.models import AutoTopUp, Purchase, Refund, Wallet
from credits.services.fulfilment import end_purchase
from credits.services.refunds import follow_refund, send_refund
from credits.services.top_ups import pay_top_up, top_up_if_low
from payments import gateway
from payments.stripe_objects import StripeRefund

logger = logging.getLogger(__name__)

# Younger ones are still in the hands of whoever began them.
PATIENCE = timedelta(minutes=2)
# https://docs.stripe.com/api/idempotent_requests: keys may be forgotten after 24 hours. An older purchase is not tried
# again; if it did reach Stripe, its event or reconciliation completes it all the same.
KEYS_LAST = timedelta(hours=23)


def send_unanswered(*, now: datetime) -> int:
    """Returns how many were answered. One that fails again is logged and waits for the next sweep."""
    begun = Purchase.objects.filter(status=Purchase.Status.STARTED)
    for forgotten in begun.filter(created_at__lt=now - KEYS_LAST):
        end_purchase(purchase=forgotten, status=Purchase.Status.CANCELLED, now=now)
    top_ups = begun.filter(kind=Purchase.Kind.TOP_UP, created_at__lt=now - PATIENCE)
    refunds = Refund.objects.filter(status=Refund.Status.STARTED, created_at__lt=now - PATIENCE)
    calls: list[Callable[[], object]] = [
        partial(pay_top_up, purchase=purchase, now=now)
        for purchase in top_ups.select_related("organization", "unit", "pack")
    ]
    calls += [partial(_send_again, refund, now) for refund in refunds.select_related("purchase")]
    return sum(_answered(call) for call in calls)


def top_up_low_wallets(*, now: datetime) -> int:
    """Every standing order whose balance asks for it, whoever failed to say so. Returns how many packs were bought."""
    waiting = Wallet.objects.filter(pk__in=AutoTopUp.objects.filter(enabled=True).values("wallet"))
    return sum(_answered(partial(top_up_if_low, wallet=wallet, now=now)) for wallet in waiting)


def _send_again(refund: Refund, now: datetime) -> Refund:
    """First what Stripe knows of this payment: a refund must not be sent twice, however long ago it was begun."""
    assert refund.purchase.payment_intent is not None
    for data in gateway.refunds.list_for(payment_intent=refund.purchase.payment_intent):
        follow_refund(stripe_refund=StripeRefund.of(data), now=now)
    refund.refresh_from_db()
    return send_refund(refund=refund, now=now)


def _answered(call: Callable[[], object]) -> bool:
    try:
        return call() is not None
    except PortalError as problem:
        logger.warning("Stripe did not settle what was begun: %s", problem.message)
        return False
