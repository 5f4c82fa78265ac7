"""Refunds: our row and the credits first, then Stripe; or Stripe first, and the same here afterwards.

Both ways end in the same rows under the purchase's lock, so that no money is counted twice whichever side began.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db import transaction

from accounts.models import User
from core.errors import InvalidInput, RuleRefused
from core.locks import for_update
from core.money import Money
from core.quantities import ZERO
from credits.engine.refunds import credits_for
from credits.models import Purchase, Refund, Wallet
from credits.services import grants
from credits.services.announcements import announce_refund
from credits.services.gift_cards import reopen_gift_card, void_gift_card
from payments import gateway
from payments.errors import StripeRefused
from payments.stripe_objects import StripeRefund


class NotRefundable(RuleRefused):
    """422. The purchase is unpaid, disputed, wholly refunded, or its gift card was redeemed."""

    code = "not_refundable"


@dataclass(frozen=True, slots=True)
class RefundQuote:
    """What a refund of a purchase could be at one moment, for the page that asks before it is sent."""

    paid: Money
    refunded: Money
    issued: Decimal
    remaining: Decimal
    held: Decimal
    suggested: Money
    largest: Money

    @property
    def spent(self) -> Decimal:
        return self.issued - self.remaining

    @property
    def suggested_credits(self) -> Decimal:
        return self.credits_for(self.suggested)

    def credits_for(self, money: Money) -> Decimal:
        """How many credits go back with so much money, beside what went back before."""
        total = self.refunded.amount + money.amount
        return self._credits(total) - self._credits(self.refunded.amount)

    def _credits(self, refunded: int) -> Decimal:
        return credits_for(refunded, amount=self.issued, paid=self.paid.amount)


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
    )


def refund_purchase(
    *,
    purchase: Purchase,
    amount: int,
    reason: str,
    actor: User,
    beyond_unspent: bool = False,
    forgive: bool = False,
    attempt: str = "",
    now: datetime,
) -> Refund:
    """Give back `amount` minor units and take back the credits they bought.

    More than the unspent share needs `beyond_unspent`; what is spent already becomes debt, or is forgiven (`forgive`).
    A repeat of `attempt` returns the first refund. When Stripe is down the refund stays `started` and a sweep sends it;
    when Stripe refuses it, the credits are back and `StripeRefused` is raised.
    Raises InvalidInput (amount, reason), NotRefundable.
    """
    refund = _record(purchase, amount, reason, actor, beyond_unspent, forgive, attempt, now)
    return send_refund(refund=refund, now=now)


def send_refund(*, refund: Refund, now: datetime) -> Refund:
    """Ask Stripe for a recorded refund; asking again is harmless, its id is the idempotency key."""
    if refund.status != Refund.Status.STARTED:
        return refund
    purchase = refund.purchase
    assert purchase.payment_intent is not None
    try:
        view = StripeRefund.of(
            gateway.refunds.create(
                payment_intent=purchase.payment_intent,
                amount=refund.amount,
                metadata={"refund": refund.public_id, "purchase": purchase.public_id},
                idempotency_key=refund.public_id,
            )
        )
    except StripeRefused as error:
        _fail(refund, failure=error.message, now=now)
        raise
    return follow_refund(view=view, now=now) or refund


@transaction.atomic
def follow_refund(*, view: StripeRefund, now: datetime) -> Refund | None:
    """Bring our refund to where Stripe's is; one begun there is recorded here. None: not about a purchase of ours."""
    purchase = _purchase_of(view)
    if purchase is None:
        return None
    refund = _known(purchase, view) or _record_from_stripe(purchase, view, now)
    if refund.stripe_refund is None:
        refund.stripe_refund = view.id
        refund.save(update_fields=["stripe_refund"])
    if view.has_failed:
        return _fail(refund, failure=view.failure_reason or "The bank did not take the refund.", now=now)
    done = view.status == "succeeded"
    wanted = Refund.Status.SUCCEEDED if done else Refund.Status.PENDING
    if refund.status not in (wanted, Refund.Status.SUCCEEDED, Refund.Status.FAILED):
        refund.status, refund.ended_at = wanted, now if done else None
        refund.save(update_fields=["status", "ended_at"])
        if done:
            announce_refund(refund=refund, now=now)
    return refund


@transaction.atomic
def _record(
    purchase: Purchase,
    amount: int,
    reason: str,
    actor: User,
    beyond_unspent: bool,
    forgive: bool,
    attempt: str,
    now: datetime,
) -> Refund:
    purchase = for_update(Purchase.objects.filter(pk=purchase.pk), of=("self",)).select_related("grant__wallet").get()
    if attempt and (first := purchase.refunds.filter(attempt=attempt).first()):
        return first
    if not reason.strip():
        raise InvalidInput("reason: say why the money goes back.", field="reason")
    if purchase.grant is not None:
        # Whoever spends from this wallet waits, so that what is offered as unspent still is when it is taken.
        for_update(Wallet.objects.filter(pk=purchase.grant.wallet_id)).get()
        purchase.grant.refresh_from_db()
    quote = quote_refund(purchase=purchase, now=now)
    if purchase.kind == Purchase.Kind.GIFT_CARD and amount != quote.largest.amount:
        raise InvalidInput(f"amount: a gift card is refunded as a whole: {quote.largest}.", field="amount")
    highest = quote.largest if beyond_unspent else quote.suggested
    if not 0 < amount <= highest.amount:
        raise InvalidInput(f"amount: at most {highest} can be refunded, and more than nothing.", field="amount")
    refund = Refund.objects.create(
        purchase=purchase,
        amount=amount,
        credits=quote.credits_for(Money(amount, purchase.currency)),
        forgiven=forgive,
        reason=reason.strip(),
        actor=actor,
        attempt=attempt,
        created_at=now,
    )
    _take_credits(refund, now)
    return refund


def _record_from_stripe(purchase: Purchase, view: StripeRefund, now: datetime) -> Refund:
    refund = Refund.objects.create(
        purchase=purchase,
        amount=view.amount,
        credits=purchase.credits_returned_with(view.amount),
        reason="Refunded at Stripe",
        stripe_refund=view.id,
        created_at=view.created,
    )
    if not view.has_failed:
        _take_credits(refund, now)
    return refund


def _take_credits(refund: Refund, now: datetime) -> None:
    purchase = refund.purchase
    if purchase.kind == Purchase.Kind.GIFT_CARD:
        card = purchase.gift_card
        if card.grant is None:
            void_gift_card(card=card, reason=_void_reason(refund), now=now)
            return
    grant = purchase.credited
    if refund.credits and grant is not None:
        grants.take_back(
            grant=grant,
            amount=refund.credits,
            reason=f"Refund of {refund.money}: {refund.reason}",
            actor=refund.actor,
            reference=refund.reference,
            owe_the_rest=not refund.forgiven,
            now=now,
        )


@transaction.atomic
def _fail(refund: Refund, *, failure: str, now: datetime) -> Refund:
    """The money stays with us, so the credits go back."""
    refund = for_update(Refund.objects.filter(pk=refund.pk), of=("self",)).select_related("purchase__grant").get()
    if refund.status == Refund.Status.FAILED:
        return refund
    refund.status, refund.failure, refund.ended_at = Refund.Status.FAILED, failure[:500], now
    refund.save(update_fields=["status", "failure", "ended_at"])
    purchase = refund.purchase
    grant = purchase.credited
    if grant is None and purchase.kind == Purchase.Kind.GIFT_CARD and not purchase.returned:
        reopen_gift_card(card=purchase.gift_card, voided_because=[_void_reason(one) for one in purchase.refunds.all()])
    if grant is not None and grant.wallet.entries.posting(refund.reference).exists():
        grants.reinstate(
            grant=grant,
            original_reference=refund.reference,
            reason=f"Refund of {refund.money} failed: {refund.failure}",
            actor=None,
            reference=f"{refund.reference}:failed",
            now=now,
        )
    return refund


def _void_reason(refund: Refund) -> str:
    return f"Refunded ({refund.public_id})"


def _unspent(purchase: Purchase, *, left: int, now: datetime) -> int:
    """Minor units for the unspent, unheld share; a gift card is refunded as a whole, and only unredeemed."""
    if purchase.kind == Purchase.Kind.GIFT_CARD:
        if purchase.gift_card.redeemed_at is not None:
            raise NotRefundable("The gift card was redeemed; only unredeemed cards are refunded.")
        return left
    return min(purchase.grant.refundable(at=now).money, left) if purchase.grant else 0


def _purchase_of(view: StripeRefund) -> Purchase | None:
    if view.payment_intent is None:
        return None
    paid = Purchase.objects.filter(payment_intent=view.payment_intent, status=Purchase.Status.PAID)
    return for_update(paid, of=("self",)).select_related("grant__wallet").first()


def _known(purchase: Purchase, view: StripeRefund) -> Refund | None:
    ours = purchase.refunds.filter(stripe_refund=view.id).first()
    return ours or purchase.refunds.filter(public_id=view.metadata.get("refund", "")).first()
