"""Beginning to buy: our row first, then Stripe's checkout page."""

import hashlib
import json
from datetime import datetime

from django.db import IntegrityError, transaction

from accounts.models import Organization, User
from core.errors import InvalidInput
from core.money import Money
from credits.errors import PackNotOnSale
from credits.models import CreditPack, GiftCardOrder, Purchase
from credits.services.checkout import open_checkout
from credits.services.wallets import refuse_overflow
from credits.stripe_catalogue import price_of
from payments import stripe_catalogue


def start_pack_purchase(
    *,
    organization: Organization,
    pack: CreditPack,
    amount: int | None = None,
    buyer: User | None = None,
    resume: object = None,
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
    refuse_overflow(organization=organization, unit=pack.unit, amount=pack.credits_for(price))
    stripe_catalogue.price_as_specified(price_of(pack))
    begun = Purchase(
        organization=organization,
        kind=Purchase.Kind.PACK,
        pack=pack,
        unit=pack.unit,
        credits=pack.credits_for(price),
        valid_days=pack.valid_days,
        amount=price.amount,
        currency=price.currency,
        buyer=buyer,
        resume=resume,
        success_url=success_url,
        cancel_url=cancel_url,
        created_at=now,
    )
    return open_checkout(purchase=_first_of_attempt(begun, attempt), now=now)


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
    begun = Purchase(
        organization=organization,
        kind=Purchase.Kind.GIFT_CARD,
        pack=pack,
        unit=pack.unit,
        credits=pack.credits,
        valid_days=pack.valid_days,
        amount=pack.price,
        currency=pack.currency,
        buyer=buyer,
        created_at=now,
    )
    with transaction.atomic():
        purchase = _first_of_attempt(begun, attempt, recipient, sender, message)
        GiftCardOrder.objects.get_or_create(
            purchase=purchase, defaults={"recipient": recipient, "sender": sender, "message": message}
        )
    return open_checkout(purchase=purchase, now=now)


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


def _first_of_attempt(begun: Purchase, attempt: str, *more: str) -> Purchase:
    """This purchase, recorded, or the first of its attempt. Another choice made on the same page is another attempt."""
    if attempt:
        assert begun.pack is not None
        choice = [attempt, begun.kind, begun.pack.code, begun.amount, *more]
        begun.attempt = hashlib.sha256(json.dumps(choice).encode()).hexdigest()
    try:
        with transaction.atomic():
            begun.save(force_insert=True)
            return begun
    except IntegrityError:
        first = Purchase.objects.of(begun.organization).filter(attempt=begun.attempt).first() if attempt else None
        if first is None:
            raise
        return first
