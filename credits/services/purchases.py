"""Beginning to buy: our row first, then Stripe's checkout page."""

import hashlib
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction

from accounts.models import Organization, User
from core.errors import InvalidInput, RuleRefused
from core.money import Money
from credits.models import CreditPack, GiftCardOrder, Purchase
from credits.services.wallets import refuse_what_does_not_fit
from credits.stripe_catalogue import price_of
from payments import gateway, stripe_catalogue
from payments.services import customers
from payments.stripe_objects import StripeCheckoutSession


class PackNotOnSale(RuleRefused):
    """422. The pack was retired, or staff have not brought it to Stripe yet."""

    code = "pack_not_on_sale"


def start_pack_purchase(
    *,
    organization: Organization,
    pack: CreditPack,
    amount: int | None = None,
    buyer: User | None = None,
    resume: Any = None,
    success_url: str = "",
    cancel_url: str = "",
    attempt: str = "",
    now: datetime,
) -> Purchase:
    """Begin to buy a pack and open its checkout page; the page's address is `purchase.checkout_url`.

    `amount` (minor units) is for open-amount packs. The row is committed before Stripe is called: when Stripe is down
    (`StripeUnavailable`) the purchase waits, and `open_checkout` tries again without a second one. A repeat of
    `attempt` goes on with the first. Raises InvalidInput for an amount out of range, OutOfRange for credits
    that the wallet cannot hold, PackNotOnSale.
    """
    _refuse_what_is_not_on_sale(pack)
    price = _price(pack, amount)
    refuse_what_does_not_fit(organization=organization, unit=pack.unit, amount=pack.credits_for(price))
    stripe_catalogue.price_as_specified(price_of(pack))
    values = {
        "kind": Purchase.Kind.PACK,
        "pack": pack,
        "unit": pack.unit,
        "credits": pack.credits_for(price),
        "valid_days": pack.valid_days,
        "amount": price.amount,
        "currency": price.currency,
        "buyer": buyer,
        "resume": resume,
        "success_url": success_url,
        "cancel_url": cancel_url,
        "created_at": now,
    }
    return open_checkout(purchase=_first_of_attempt(organization, attempt, values), now=now)


def start_gift_card_purchase(
    *,
    organization: Organization,
    pack: CreditPack,
    recipient: str,
    sender: str = "",
    message: str = "",
    buyer: User | None = None,
    attempt: str = "",
    now: datetime,
) -> Purchase:
    """Begin to buy a gift card worth a pack, to be emailed to `recipient` when the money is there.

    As `start_pack_purchase`. Raises InvalidInput for a pack that recurs or has no fixed price, PackNotOnSale.
    """
    if pack.price is None or pack.credits is None or pack.recurring:
        raise InvalidInput("pack: choose a pack with a fixed price that is bought once.", field="pack")
    _refuse_what_is_not_on_sale(pack)
    stripe_catalogue.price_as_specified(price_of(pack))
    values = {
        "kind": Purchase.Kind.GIFT_CARD,
        "pack": pack,
        "unit": pack.unit,
        "credits": pack.credits,
        "valid_days": pack.valid_days,
        "amount": pack.price,
        "currency": pack.currency,
        "buyer": buyer,
        "created_at": now,
    }
    with transaction.atomic():
        purchase = _first_of_attempt(organization, attempt, values)
        GiftCardOrder.objects.get_or_create(
            purchase=purchase, defaults={"recipient": recipient, "sender": sender, "message": message}
        )
    return open_checkout(purchase=purchase, now=now)


def open_checkout(*, purchase: Purchase, now: datetime) -> Purchase:
    """Make the hosted page of a purchase that has none; calling it again is harmless, also after a lost answer."""
    if purchase.status != Purchase.Status.STARTED:
        return purchase
    customer = customers.ensure_customer(organization=purchase.organization)
    pack = purchase.pack
    recurring = pack is not None and pack.recurring != ""
    # A subscription keeps its card by itself; a single payment is told to, for automatic top-ups.
    more: dict[str, Any] = {} if recurring else {"save_card": True}
    create = gateway.checkout.create_subscription if recurring else gateway.checkout.create_payment
    session = StripeCheckoutSession.of(
        create(
            customer=customer,
            line_items=[_line(purchase)],
            success_url=purchase.success_url or page_of(purchase),
            cancel_url=purchase.cancel_url or f"{page_of(purchase)}?cancelled=1",
            metadata=stripe_metadata(purchase),
            client_reference_id=purchase.public_id,
            idempotency_key=f"{purchase.public_id}:checkout",
            **more,
        )
    )
    # The webhook of a quick customer may have come first: only a purchase that still waits for its page gets one.
    Purchase.objects.filter(pk=purchase.pk, status=Purchase.Status.STARTED).update(
        status=Purchase.Status.OPEN, checkout_session=session.id, checkout_url=session.url or ""
    )
    purchase.refresh_from_db()
    return purchase


def page_of(purchase: Purchase) -> str:
    """The absolute address of the portal's page about a purchase: the return page of Stripe's checkout."""
    return f"{settings.PORTAL_URL}{purchase.get_absolute_url()}"


def stripe_metadata(purchase: Purchase) -> dict[str, str]:
    """By which objects at Stripe name our row."""
    return {"purchase": purchase.public_id, "organization": purchase.organization.public_id}


def _refuse_what_is_not_on_sale(pack: CreditPack) -> None:
    if not CreditPack.objects.on_sale().filter(pk=pack.pk).exists():
        raise PackNotOnSale(f"{pack} is not on sale. Choose another pack.", pack=pack.code)


def _price(pack: CreditPack, amount: int | None) -> Money:
    if pack.open_minimum is None or pack.open_maximum is None:
        if amount is not None:
            raise InvalidInput(f"amount: {pack} has a fixed price; leave amount out.", field="amount")
        assert pack.price is not None
        return Money(pack.price, pack.currency)
    lowest, highest = Money(pack.open_minimum, pack.currency), Money(pack.open_maximum, pack.currency)
    if amount is None or not lowest.amount <= amount <= highest.amount:
        raise InvalidInput(
            f"amount: choose an amount from {lowest} to {highest}.",
            field="amount",
            minimum=lowest.amount,
            maximum=highest.amount,
        )
    return Money(amount, pack.currency)


def _first_of_attempt(organization: Organization, attempt: str, values: dict[str, Any]) -> Purchase:
    """The purchase of this attempt. Another choice made on the same page, after going back to it, is another one."""
    if attempt:
        choice = f"{attempt}:{values['kind']}:{values['pack'].code}:{values['amount']}"
        attempt = hashlib.sha256(choice.encode()).hexdigest()
    try:
        with transaction.atomic():
            return Purchase.objects.create(organization=organization, attempt=attempt, **values)
    except IntegrityError:
        if attempt and (first := Purchase.objects.of(organization).filter(attempt=attempt).first()):
            return first
        raise


def _line(purchase: Purchase) -> dict[str, Any]:
    pack = purchase.pack
    if pack is not None and not pack.is_open and pack.price == purchase.amount:
        return {"price": stripe_catalogue.price_as_specified(price_of(pack)), "quantity": 1}
    # An open amount, or a pack whose price has changed since this purchase was begun: what was shown is what is asked.
    product = (
        {"product": stripe_catalogue.stripe_product_id(pack.lookup_key)}
        if pack
        else {"product_data": {"name": purchase.title}}
    )
    return {"price_data": {"currency": purchase.currency, "unit_amount": purchase.amount} | product, "quantity": 1}
