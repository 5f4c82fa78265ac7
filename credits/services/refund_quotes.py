"""How much of a purchase may be refunded: the unspent share, and the most that may ever go back.

The admin asks here before it shows a refund, and the service again under the purchase's lock before it records one. The
arithmetic is in `credits.engine.refund_limits`.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from core.errors import InvalidInput
from core.money import Money
from core.quantities import ZERO
from credits.engine.refund_limits import credits_for
from credits.errors import NotRefundable
from credits.models import Purchase


@dataclass(frozen=True, slots=True)
class RefundQuote:
    """What a refund of a purchase could be at one moment.

    `suggested` is the unspent share, `largest` what staff with permission may give back beyond it. `is_whole`: a gift
    card goes back as a whole.
    """

    paid: Money
    refunded: Money
    issued: Decimal
    remaining: Decimal
    held: Decimal
    suggested: Money
    largest: Money
    is_whole: bool

    @property
    def spent(self) -> Decimal:
        return self.issued - self.remaining

    @property
    def suggested_credits(self) -> Decimal:
        return self.credits_for(self.suggested)

    def credits_for(self, money: Money) -> Decimal:
        """How many credits go back with so much money, beside what went back before."""
        return credits_for(money.amount, before=self.refunded.amount, amount=self.issued, paid=self.paid.amount)

    def check(self, money: Money, *, beyond_unspent: bool) -> None:
        """Raises InvalidInput (amount) for a part of what goes back as a whole, for nothing, and for too much."""
        if self.is_whole and money != self.largest:
            raise InvalidInput(f"A gift card is refunded as a whole: {self.largest}.", field="amount")
        highest = self.largest if beyond_unspent else self.suggested
        if not 0 < money.amount <= highest.amount:
            raise InvalidInput(f"At most {highest} can be refunded, and more than nothing.", field="amount")


def quote_refund(*, purchase: Purchase, now: datetime) -> RefundQuote:
    """The unspent, unheld share pro rata to the price, and the most that staff with permission may give back.

    Raises NotRefundable.
    """
    if purchase.paid is None or purchase.paid.amount == 0 or purchase.payment_intent is None:
        raise NotRefundable("Nothing was paid by card for this purchase.")
    if purchase.disputes.open().exists():
        raise NotRefundable("The customer's bank has disputed this payment and decides about the money.")
    refunded = purchase.returned
    left = purchase.paid.amount - refunded
    if left <= 0:
        raise NotRefundable("All that was paid has gone back already.")
    share = _unspent(purchase, left=left, now=now)
    grant = purchase.credited
    return RefundQuote(
        paid=purchase.paid,
        refunded=Money(refunded, purchase.currency),
        issued=purchase.credits,
        remaining=grant.remaining if grant else purchase.credits,
        held=grant.held if grant else ZERO,
        suggested=Money(share, purchase.currency),
        largest=Money(left, purchase.currency),
        is_whole=purchase.kind == Purchase.Kind.GIFT_CARD,
    )


def _unspent(purchase: Purchase, *, left: int, now: datetime) -> int:
    """Minor units for the unspent, unheld share; a gift card is refunded as a whole, and only unredeemed."""
    if purchase.kind == Purchase.Kind.GIFT_CARD:
        if purchase.gift_card.redeemed_at is not None:
            raise NotRefundable("The gift card was redeemed; only unredeemed cards are refunded.")
        return left
    return min(purchase.grant.refundable(at=now).money, left) if purchase.grant else 0
