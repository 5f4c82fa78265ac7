"""Buying: our row first, then Stripe's checkout page, and back from it.

The way of a purchase, from the button to the ledger:

1. `templates/credits/buy.html` shows a card for each pack (`templates/components/pack_card.html`). Its button sends
   `pack` and `attempt` to `credits/views/purchases.py: buy`.
2. `start_pack_purchase` below writes a `Purchase`; `open_checkout` asks Stripe for a page, with our id in its metadata
   (`payments/gateway/checkout.py: create_payment`). The buyer is led there and pays.
3. We learn of it by a webhook (`payments/inbox/__init__.py` tells its way to `credits/stripe_webhooks.py:
   checkout_session_changed`), by the buyer's coming back (`refresh_from_checkout` below), and by the comparison every
   three hours (`credits/reconciliation.py: reconcile_purchases`): in any order and any number of times.
4. Each of them calls `credits/services/fulfilment.py: follow_checkout` with what Stripe shows at that moment. Paid:
   `complete_purchase` locks our row, and only the first goes on.
5. `credits/services/grants.py: grant_credits` says what is granted, and notifies of it.
6. `credits/ledger.py: issue` writes the grant; `credits/sql/v1/grants.sql: ledger_issue` hands its amount to
   `ledger_post` in `posting.sql`, which inserts the entry.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial

from django.db import IntegrityError, transaction

from accounts.models import Organization, User
from core.errors import InvalidInput
from core.money import Money
from credits.errors import PackNotOnSale
from credits.models import CreditPack, GiftCardOrder, Purchase
from credits.services.fulfilment import follow_checkout
from credits.services.recurring_packs import grant_paid_lines
from credits.services.wallets import refuse_overflow
from credits.stripe_catalogue import price_of
from payments import gateway, stripe_catalogue
from payments.services import customers
from payments.stripe_objects import StripeCheckoutSession, StripeInvoice
from payments.stripe_objects.fields import StripeObject


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
    """Begin to buy a pack and open its checkout page. Lead the buyer to `purchase.continue_url`.

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


def open_checkout(*, purchase: Purchase, now: datetime) -> Purchase:
    """Make the hosted page of a purchase that has none; calling it again is harmless, also after a lost answer."""
    if purchase.status != Purchase.Status.STARTED:
        return purchase
    customer = customers.ensure_customer(organization=purchase.organization)
    pack = purchase.pack
    recurring = pack is not None and pack.recurring != ""
    # A subscription keeps its card by itself; a single payment is asked to, for automatic top-ups.
    payment = partial(gateway.checkout.create_payment, save_card=True)
    create: Callable[..., StripeObject] = gateway.checkout.create_subscription if recurring else payment
    session = StripeCheckoutSession.of(
        create(
            customer=customer,
            line_items=[_line(purchase)],
            success_url=purchase.success_url or purchase.page_url,
            cancel_url=purchase.cancel_url or f"{purchase.page_url}?cancelled=1",
            metadata=purchase.stripe_metadata,
            client_reference_id=purchase.public_id,
            idempotency_key=f"{purchase.public_id}:checkout",
        )
    )
    # The webhook of a quick customer may have come first: only a purchase that still waits for its page gets one.
    Purchase.objects.filter(pk=purchase.pk, status=Purchase.Status.STARTED).update(
        status=Purchase.Status.OPEN, checkout_session=session.id, checkout_url=session.url or ""
    )
    purchase.refresh_from_db()
    return purchase


def refresh_from_checkout(*, purchase: Purchase, now: datetime) -> Purchase:
    """Ask Stripe how a waiting purchase stands, as its return page does. Raises `StripeUnavailable`."""
    if not purchase.is_waiting or purchase.checkout_session is None:
        return purchase
    session = StripeCheckoutSession.of(gateway.checkout.retrieve(session=purchase.checkout_session))
    if session.mode == "subscription" and session.invoice is not None:
        invoice = StripeInvoice.of(gateway.invoices.retrieve(invoice=session.invoice))
        grant_paid_lines(invoice=invoice, now=now)
        purchase.refresh_from_db()
        return purchase
    return follow_checkout(purchase=purchase, session=session, now=now)


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


def _line(purchase: Purchase) -> Mapping[str, object]:
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
