"""The monthly companion: one Stripe subscription beside the base one, for what the base one cannot carry.

That is the quantity on demand beyond a commitment, and with an annual plan the metered usage, which is billed by the
month. `sync_companion` compares what should be with what is and sends Stripe the difference. Running it twice, or twice
at once, is harmless: the same change carries the same idempotency key.
"""

import hashlib
import json
from contextlib import suppress
from datetime import datetime, timedelta
from decimal import ROUND_CEILING, Decimal
from typing import TypedDict

from django.db import transaction
from django.db.models import F

from accounts.models import Organization
from core.background import after_commit
from core.errors import PortalError
from core.locks import for_update
from payments import stripe_catalogue
from payments.errors import CardDeclined
from payments.gateway import subscriptions as stripe_subscriptions
from payments.gateway.subscriptions import ItemParams, PaymentBehavior, Proration
from payments.services import customers
from payments.stripe_objects import StripeSubscription
from plans.announcements import announce_refusal
from plans.models import Commitment, Interval, OnDemand, Subscription, SubscriptionItem
from plans.price_keys import PriceKey
from plans.services.selections import change_items, metered_items
from plans.services.stripe_refresh import refresh_subscription
from plans.services.terms_periods import sync_terms_periods
from plans.terms_in_force import terms_for

ASKED_AGAIN_AFTER = timedelta(days=1)


class CompanionChange(TypedDict, total=False):
    """What is sent to Stripe: arguments of the gateway's `subscriptions.update`."""

    items: list[ItemParams]
    proration_behavior: Proration
    payment_behavior: PaymentBehavior
    cancel_at_period_end: bool


class NewCompanion(TypedDict, total=False):
    """What is sent to Stripe: arguments of the gateway's `subscriptions.create`."""

    items: list[ItemParams]
    billing_cycle_anchor: datetime
    proration_behavior: Proration
    default_payment_method: str | None


@transaction.atomic
def adjust_on_demand(*, organization: Organization, used: Decimal, now: datetime) -> int:
    """Store how much the commitment's meter counts now, and have the companion brought in line with it; returns the
    quantity on demand.

    Up at once, down at the renewal. Under a commitment that does not sell on demand it is always zero.
    """
    base = Subscription.objects.base_of(organization)
    wanted = 0
    if base and _sells_on_demand(base):
        wanted = max(0, int(used.to_integral_value(ROUND_CEILING)) - (base.quantity or 0))
    on_demand, _ = for_update(OnDemand.objects.all()).get_or_create(organization=organization)
    if on_demand.wanted != wanted:
        on_demand.wanted = wanted
        on_demand.save(update_fields=["wanted"])
        after_commit("plans.tasks.after_subscription_change", organization.pk)
    return wanted


def sync_all_companions(*, now: datetime) -> None:
    """For the hourly task: make up for lost tasks and lost answers."""
    subscribed = Organization.objects.filter(subscriptions__in=Subscription.objects.live()).distinct()
    for organization in subscribed:
        with suppress(PortalError):  # it is tried again in an hour
            sync_companion(organization=organization, now=now)


def sync_companion(*, organization: Organization, now: datetime) -> Subscription | None:
    """Bring the companion at Stripe in line with what it should be; returns it, or None when there is none."""
    base = Subscription.objects.base_of(organization)
    companion = Subscription.objects.companion_of(organization)
    on_demand, _ = OnDemand.objects.get_or_create(organization=organization)
    items = companion_items(base=base, on_demand=on_demand)
    if _was_refused_lately(on_demand, companion, now):
        return companion
    try:
        if base is None:
            _end(companion, on_demand, now)
        elif companion is None:
            _begin(base, on_demand, items, now)
        else:
            _adjust(companion, on_demand, items, now)
    except CardDeclined as declined:
        _refuse(organization, on_demand, declined, now)
    else:
        _allow(organization, on_demand, now)
    return Subscription.objects.companion_of(organization)


def companion_items(*, base: Subscription | None, on_demand: OnDemand) -> list[ItemParams]:
    """What the companion should consist of. Raises NotAtStripe."""
    if base is None:
        return []
    items: list[ItemParams] = []
    if on_demand.wanted and _sells_on_demand(base):
        key = PriceKey(base.plan.code, "quantity", Interval.MONTH)
        items.append({"price": stripe_catalogue.stripe_price_id(str(key)), "quantity": on_demand.wanted})
    if base.interval == Interval.YEAR:
        items += metered_items(plan=base.plan, organization=base.organization)
    return items


def drop_on_demand(*, organization: Organization, now: datetime) -> None:
    """What was on demand has become part of the commitment: end it now, with credit for the rest of the month."""
    companion = Subscription.objects.companion_of(organization)
    OnDemand.objects.filter(organization=organization).update(wanted=0, paid=0, paid_until=None)
    if companion is None:
        return
    on_demand = OnDemand.objects.get(organization=organization)
    quantity = companion.item(SubscriptionItem.Component.QUANTITY)
    if quantity and companion.metered_items:
        change = CompanionChange(
            items=[{"id": quantity.stripe_id, "deleted": True}], proration_behavior="create_prorations"
        )
        _update_at_stripe(companion, on_demand, change, now)
    elif quantity:
        _end(companion, on_demand, now)


def _was_refused_lately(on_demand: OnDemand, companion: Subscription | None, now: datetime) -> bool:
    """The card was asked less than a day ago, and would have to pay for more than there is."""
    if on_demand.refused_at is None or on_demand.refused_at <= now - ASKED_AGAIN_AFTER:
        return False
    item = companion.item(SubscriptionItem.Component.QUANTITY) if companion else None
    return on_demand.wanted > ((item.quantity or 0) if item else 0)


def _sells_on_demand(base: Subscription) -> bool:
    return base.plan.has_commitment and base.plan.commitment.beyond == Commitment.Beyond.ON_DEMAND


def _begin(base: Subscription, on_demand: OnDemand, items: list[ItemParams], now: datetime) -> None:
    if not items:
        return
    organization = base.organization
    params = NewCompanion(items=items)
    if any("quantity" not in item for item in items):
        # Usage is billed by our windows: the companion's months begin and end with them.
        boundary = terms_for(organization=organization, at=now).window.end
        params["billing_cycle_anchor"], params["proration_behavior"] = boundary, "create_prorations"
    paying = StripeSubscription.of(stripe_subscriptions.retrieve(subscription=base.stripe_id))
    params["default_payment_method"] = paying.default_payment_method
    made = stripe_subscriptions.create(
        customer=customers.ensure_customer(organization=organization),
        metadata={
            "organization": organization.public_id,
            "role": Subscription.Role.COMPANION.value,
            "base": base.stripe_id,
        },
        idempotency_key=_key(on_demand, params),
        **params,
    )
    _mark_confirmed(on_demand)
    refresh_subscription(stripe_id=made["id"], now=now)
    _remember_paid(organization, on_demand)


def _adjust(companion: Subscription, on_demand: OnDemand, items: list[ItemParams], now: datetime) -> None:
    if not items and companion.metered_items:
        # The base subscription measures usage itself now: two that did would bill it twice.
        _end(companion, on_demand, now)
        return
    if not items:
        if companion.cancel_at is None:
            _remember_paid(companion.organization, on_demand)
            _update_at_stripe(companion, on_demand, {"cancel_at_period_end": True}, now)
        return
    _remember_paid(companion.organization, on_demand)
    present = companion.item(SubscriptionItem.Component.QUANTITY)
    have = (present.quantity or 0) if present else 0
    want = next((item["quantity"] for item in items if "quantity" in item), 0)
    if present and have < min(want, on_demand.paid):
        # Up again within a month that was paid for: that much costs nothing more.
        regained = min(want, on_demand.paid)
        items_then = [item | ItemParams(quantity=regained) if "quantity" in item else item for item in items]
        _update_at_stripe(companion, on_demand, _change(companion, items_then, "none"), now)
        companion = Subscription.objects.prefetch_related("items").get(pk=companion.pk)
        have = regained
    if not _consists_of(companion, items) or companion.cancel_at is not None:
        proration: Proration = "always_invoice" if want > have else "none"
        _update_at_stripe(companion, on_demand, _change(companion, items, proration), now)
        _remember_paid(companion.organization, on_demand)


def _change(companion: Subscription, items: list[ItemParams], proration: Proration) -> CompanionChange:
    change = CompanionChange(
        items=change_items(subscription=companion, items=items),
        proration_behavior=proration,
        payment_behavior="error_if_incomplete",
    )
    if companion.cancel_at:
        change["cancel_at_period_end"] = False
    return change


def _consists_of(companion: Subscription, items: list[ItemParams]) -> bool:
    have = {(item.stripe_price_id, item.quantity) for item in companion.items.all()}
    return have == {(item["price"], item.get("quantity")) for item in items}


def _end(companion: Subscription | None, on_demand: OnDemand, now: datetime) -> None:
    """At once: unused days are credited, and what was used is billed."""
    if companion is None:
        return
    stripe_subscriptions.cancel(
        subscription=companion.stripe_id,
        prorate=True,
        invoice_now=True,
        idempotency_key=f"companion:{companion.stripe_id}:cancel",
    )
    _mark_confirmed(on_demand)
    refresh_subscription(stripe_id=companion.stripe_id, now=now)


def _update_at_stripe(companion: Subscription, on_demand: OnDemand, change: CompanionChange, now: datetime) -> None:
    stripe_subscriptions.update(subscription=companion.stripe_id, idempotency_key=_key(on_demand, change), **change)
    _mark_confirmed(on_demand)
    refresh_subscription(stripe_id=companion.stripe_id, now=now)


def _key(on_demand: OnDemand, params: CompanionChange | NewCompanion) -> str:
    """Until Stripe has confirmed, the same change has the same key."""
    content = hashlib.sha256(json.dumps(params, sort_keys=True, default=str).encode()).hexdigest()[:16]
    return f"companion:{on_demand.pk}:{on_demand.revision}:{content}"


def _mark_confirmed(on_demand: OnDemand) -> None:
    OnDemand.objects.filter(pk=on_demand.pk).update(revision=F("revision") + 1)
    on_demand.refresh_from_db()


def _remember_paid(organization: Organization, on_demand: OnDemand) -> None:
    """The most that the running month of the companion was charged for."""
    companion = Subscription.objects.companion_of(organization)
    if companion is None:
        return
    item = companion.item(SubscriptionItem.Component.QUANTITY)
    have = (item.quantity or 0) if item else 0
    same_month = on_demand.paid_until == companion.current_period_end
    on_demand.paid = max(on_demand.paid, have) if same_month else have
    on_demand.paid_until = companion.current_period_end
    on_demand.save(update_fields=["paid", "paid_until"])


def _refuse(organization: Organization, on_demand: OnDemand, declined: CardDeclined, now: datetime) -> None:
    """The card does not pay for more: what was bought stays, more is not let through until it does."""
    with transaction.atomic():
        on_demand.refused_at, on_demand.refusal = now, declined.message[:500]
        on_demand.revision += 1  # A refusal is an answer: asking again is a new question.
        on_demand.save(update_fields=["refused_at", "refusal", "revision"])
        sync_terms_periods(organization=organization, now=now)
        announce_refusal(organization=organization, on_demand=on_demand, now=now)


def _allow(organization: Organization, on_demand: OnDemand, now: datetime) -> None:
    if on_demand.refused_at is None:
        return
    with transaction.atomic():
        on_demand.refused_at, on_demand.refusal = None, ""
        on_demand.save(update_fields=["refused_at", "refusal"])
        sync_terms_periods(organization=organization, now=now)
