"""Automatic top-up: one open attempt per wallet, a monthly cap, off after a decline."""

from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.models import Sum
from django.db.models.functions import Coalesce

from accounts.models import Organization
from core.background import after_commit
from core.errors import InvalidInput
from core.locks import for_update
from core.money import Money
from core.quantities import parse_quantity
from credits import low_balance_alerts
from credits.announcements import announce_top_up_off
from credits.models import AutoTopUp, CreditPack, Purchase, Wallet
from credits.services.fulfilment import complete_purchase, end_purchase
from credits.services.wallets import ensure_wallet
from payments import gateway
from payments.errors import CardDeclined, StripeKeyReused, StripeRefused
from payments.services import customers
from payments.stripe_objects import StripePaymentIntent


@transaction.atomic
def set_auto_top_up(
    *, organization: Organization, pack: CreditPack, threshold: object, monthly_cap: int, now: datetime
) -> AutoTopUp:
    """Buy `pack` whenever no more than `threshold` is available, within `monthly_cap` minor units a calendar month.

    Switches it on again if it was off. Raises InvalidInput (pack, threshold, monthly_cap).
    """
    if pack.price is None or pack.recurring:
        raise InvalidInput("pack: choose a pack with a fixed price that is bought once.", field="pack")
    lowest = parse_quantity(threshold, field="threshold")
    if lowest < 0:
        raise InvalidInput("threshold must be zero or more.", field="threshold")
    if monthly_cap < pack.price:
        raise InvalidInput(f"monthly_cap must let one pack through: at least {pack.money}.", field="monthly_cap")
    wallet = ensure_wallet(organization=organization, unit=pack.unit)
    top_up, _ = AutoTopUp.objects.update_or_create(
        wallet=wallet,
        defaults={
            "pack": pack,
            "threshold": lowest,
            "monthly_cap": monthly_cap,
            "enabled": True,
            "off_reason": "",
        },
    )
    low_balance_alerts.watch(wallet=wallet, now=now)
    after_commit("credits.tasks.top_up_wallet", wallet.pk)  # the balance may be there already
    return top_up


@transaction.atomic
def switch_off(*, top_up: AutoTopUp, reason: str, now: datetime) -> AutoTopUp:
    """Off until the owner switches it on again."""
    AutoTopUp.objects.filter(pk=top_up.pk).update(enabled=False, off_reason=reason[:500])
    top_up.refresh_from_db()
    low_balance_alerts.watch(wallet=top_up.wallet, now=now)
    return top_up


def top_up_if_low(*, wallet: Wallet, now: datetime) -> Purchase | None:
    """Buy the pack of the standing order if the balance asks for it. None when it does not, or may not.

    The attempt is committed before the card is charged, and a second one meanwhile is refused by the database.
    """
    purchase = _begin(wallet, now)
    return None if purchase is None else pay_top_up(purchase=purchase, now=now)


def pay_top_up(*, purchase: Purchase, now: datetime) -> Purchase:
    """Charge the saved card for a begun top-up; asking again after a lost answer charges nothing twice.

    Raises `StripeUnavailable`: the attempt then stays open, and a sweep asks again. Raises `StripeKeyReused` when an
    earlier try with another card got through: its events end the attempt.
    """
    customer = customers.ensure_customer(organization=purchase.organization)
    card = gateway.customers.saved_payment_method(customer=customer)
    if card is None:
        return _give_up(purchase, "There is no saved card. Buy credits once and your card is kept.", now)
    try:
        data = gateway.payments.charge_off_session(
            customer=customer,
            payment_method=card,
            amount=purchase.amount,
            currency=purchase.currency,
            description=f"Automatic top-up: {purchase.title}",
            metadata=purchase.stripe_metadata,
            idempotency_key=f"{purchase.public_id}:charge",
        )
    except StripeKeyReused:
        raise
    except (CardDeclined, StripeRefused) as refusal:
        return _give_up(purchase, refusal.message, now)
    return follow_top_up(purchase=purchase, intent=StripePaymentIntent.of(data), now=now)


def follow_top_up(*, purchase: Purchase, intent: StripePaymentIntent, now: datetime) -> Purchase:
    """Bring a top-up to where its payment is. Repeats and stale states are harmless."""
    if intent.succeeded:
        return complete_purchase(
            purchase=purchase,
            reference=f"payment:{intent.id}",
            paid=Money(intent.amount_received, intent.currency),
            intent=intent,
            now=now,
        )
    if intent.status == "requires_action":
        return _give_up(purchase, "Your bank wants you to confirm the payment in person.", now)
    if intent.status in ("requires_payment_method", "canceled"):
        return _give_up(purchase, intent.error_message or "The bank declined the payment.", now)
    return end_purchase(purchase=purchase, status=Purchase.Status.PROCESSING, now=now)


def spent_this_month(*, wallet: Wallet, now: datetime) -> Money:
    """What automatic top-ups have cost in this calendar month (UTC), attempts under way included."""
    month = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    purchases = Purchase.objects.filter(
        organization=wallet.organization_id,
        unit=wallet.unit_id,
        kind=Purchase.Kind.TOP_UP,
        created_at__gte=month,
        status__in=[*Purchase.WAITING, Purchase.Status.PAID],
    )
    total = purchases.aggregate(total=Sum(Coalesce("paid_amount", "amount")))["total"] or 0
    return Money(total, wallet.auto_top_up.pack.currency)


@transaction.atomic
def _begin(wallet: Wallet, now: datetime) -> Purchase | None:
    top_up = (
        for_update(AutoTopUp.objects.filter(wallet=wallet, enabled=True), of=("self",))
        .select_related("wallet__organization", "pack__unit")
        .first()
    )
    if top_up is None or top_up.pack.price is None or top_up.pack.credits is None:
        return None
    if top_up.wallet.organization.suspended_at is not None:
        return None  # It could not use them, and its card is what is in trouble.
    state = Wallet.objects.state(organization=wallet.organization, unit=wallet.unit_id, at=now)
    if state.available > top_up.threshold:
        return None
    if spent_this_month(wallet=wallet, now=now).amount + top_up.pack.price > top_up.monthly_cap:
        return None
    try:
        with transaction.atomic():
            return Purchase.objects.create(
                organization=wallet.organization,
                kind=Purchase.Kind.TOP_UP,
                pack=top_up.pack,
                unit=top_up.pack.unit,
                credits=top_up.pack.credits,
                valid_days=top_up.pack.valid_days,
                amount=top_up.pack.price,
                currency=top_up.pack.currency,
                created_at=now,
            )
    except IntegrityError:  # one_open_top_up_per_wallet: another attempt is under way
        return None


@transaction.atomic
def _give_up(purchase: Purchase, why: str, now: datetime) -> Purchase:
    """The purchase failed: automatic top-up is off, the owner is notified how to go on. An ended one stays as it is."""
    if not for_update(Purchase.objects.waiting().filter(pk=purchase.pk)).exists():
        return purchase
    purchase = end_purchase(purchase=purchase, status=Purchase.Status.FAILED, failure=why, now=now)
    top_up = (
        AutoTopUp.objects.select_related("wallet__organization", "pack")
        .filter(wallet__organization=purchase.organization_id, wallet__unit=purchase.unit_id)
        .first()
    )
    if top_up is not None and top_up.enabled:
        switch_off(top_up=top_up, reason=why, now=now)
        announce_top_up_off(top_up=top_up, purchase=purchase, now=now)
    return purchase
