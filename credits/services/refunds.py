"""Refunds: our row and the credits first, then Stripe; or Stripe first, and the same here afterwards.

Both ways end in the same rows under the purchase's lock, so that no money is counted twice whichever side began.

The way of a refund that staff send:

1. `credits/admin/purchases.py: refund_view` shows what `credits/services/refund_quotes.py: quote_refund` says, asks
   once more (`templates/admin/credits/purchase/refund.html`), and calls `refund_purchase` below.
2. `_record` locks the purchase and its wallet, holds the amount against the quote, writes a `Refund` (being sent) and
   takes the credits: `credits/services/grants.py: take_back` → `credits/ledger.py: take_back` → `ledger_take_back` in
   `credits/sql/v1/grants.sql`, which writes the entries by `ledger_post` in `posting.sql`. Committed.
3. `send_refund` asks Stripe (`payments/gateway/refunds.py: create`) with the refund's id as the idempotency key. Stripe
   refuses: `_fail` gives the credits back. No answer: `credits/services/payment_sweep.py` asks again.
4. `follow_refund` takes over Stripe's answer, and later its events, which come by the way that
   `payments/inbox/__init__.py` tells to `credits/stripe_webhooks.py: refund_changed`: under way, done, or failed after
   all (`_fail`).

A refund made in Stripe's dashboard begins at 4, where `_record_from_stripe` writes the row and takes the credits.
"""

from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet

from accounts.models import User
from core.errors import Conflict, InvalidInput
from core.locks import for_update
from core.money import Money
from credits.announcements import announce_refund
from credits.errors import RefundFailed
from credits.models import Purchase, Refund, Wallet
from credits.services import grants
from credits.services.gift_cards import reopen_gift_card, void_gift_card
from credits.services.refund_quotes import quote_refund
from payments import gateway
from payments.errors import StripeKeyReused, StripeRefused
from payments.stripe_objects import StripeRefund

LONGEST_WORDS = 500


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
    A repeat of `attempt` returns the first refund, and asks Stripe again if it has not answered yet.
    Raises InvalidInput (amount, reason), NotRefundable, Conflict (the attempt was for another amount): nothing was
    recorded. Raises StripeRefused, or RefundFailed for one that failed otherwise or before: the credits are back.
    Raises StripeUnavailable: it stays `started`, and `credits/services/payment_sweep.py: send_unanswered` sends it.
    """
    refund = _record(purchase, amount, reason, actor, beyond_unspent, forgive, attempt, now)
    refund = send_refund(refund=refund, now=now)
    if refund.status == Refund.Status.FAILED:
        raise RefundFailed(f"The refund of {refund.money} failed: {refund.failure}")
    return refund


def send_refund(*, refund: Refund, now: datetime) -> Refund:
    """Ask Stripe for a recorded refund; asking again is harmless, its id is the idempotency key.

    Raises as `refund_purchase`, and StripeKeyReused when an earlier try, made in other words, got through: it stays
    `started` until its event or the sweep, which looks at Stripe first, says what came of it.
    """
    if refund.status != Refund.Status.STARTED:
        return refund
    purchase = refund.purchase
    assert purchase.payment_intent is not None
    try:
        data = gateway.refunds.create(
            payment_intent=purchase.payment_intent,
            amount=refund.amount,
            metadata={"refund": refund.public_id, "purchase": purchase.public_id},
            idempotency_key=refund.public_id,
        )
    except StripeKeyReused:
        raise  # an earlier try got through: the money is on its way, so the credits stay taken
    except StripeRefused as error:
        _fail(refund, failure=error.message, now=now)
        raise
    sent = follow_refund(stripe_refund=StripeRefund.of(data), now=now)
    assert sent is not None, "Stripe answered with a refund of another payment."
    return sent


@transaction.atomic
def follow_refund(*, stripe_refund: StripeRefund, now: datetime) -> Refund | None:
    """Bring our refund to where Stripe's is; one begun there is recorded here. None: not about a purchase of ours.

    Called with Stripe's answer (`send_refund`), for its events (`credits/stripe_webhooks.py`), by the sweep before it
    sends again, and by reconciliation (`credits/reconciliation.py`), in any order and any number of times.
    """
    purchase = _purchase_of(stripe_refund)
    if purchase is None:
        return None
    refund = _known(purchase, stripe_refund) or _record_from_stripe(purchase, stripe_refund, now)
    if refund.stripe_refund is None:
        refund.stripe_refund = stripe_refund.id
        refund.save(update_fields=["stripe_refund"])
    if stripe_refund.has_failed:
        return _fail(refund, failure=stripe_refund.failure_reason or "The bank did not take the refund.", now=now)
    done = stripe_refund.status == "succeeded"
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
    purchase = _locked(Purchase.objects.filter(pk=purchase.pk)).get()
    if attempt and (first := purchase.refunds.filter(attempt=attempt).first()):
        if first.amount != amount:
            raise Conflict(f"A refund of {first.money} was sent from this form before; sending again begins another.")
        return first
    if not reason.strip():
        raise InvalidInput("reason: say why the money goes back.", field="reason")
    if purchase.grant is not None:  # a gift card that was redeemed is not refunded at all: the quote says so
        # Whoever spends from this wallet waits, so that what is offered as unspent still is when it is taken.
        for_update(Wallet.objects.filter(pk=purchase.grant.wallet_id)).get()
        purchase.grant.refresh_from_db()
    quote = quote_refund(purchase=purchase, now=now)
    money = Money(amount, purchase.currency)
    quote.check(money, beyond_unspent=beyond_unspent)
    refund = Refund.objects.create(
        purchase=purchase,
        amount=amount,
        credits=quote.credits_for(money),
        forgiven=forgive,
        reason=reason.strip(),
        actor=actor,
        attempt=attempt,
        created_at=now,
    )
    _take_credits(refund, now)
    return refund


def _record_from_stripe(purchase: Purchase, stripe_refund: StripeRefund, now: datetime) -> Refund:
    refund = Refund.objects.create(
        purchase=purchase,
        amount=stripe_refund.amount,
        credits=purchase.credits_returned_with(stripe_refund.amount),
        reason="Refunded at Stripe",
        stripe_refund=stripe_refund.id,
        created_at=stripe_refund.created,
    )
    if not stripe_refund.has_failed:
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
            reason=_cut(f"Refund of {refund.money}: {refund.reason}"),
            actor=refund.actor,
            reference=refund.reference,
            owe_the_rest=not refund.forgiven,
            now=now,
        )


@transaction.atomic
def _fail(refund: Refund, *, failure: str, now: datetime) -> Refund:
    """The money stays with us, so the credits go back."""
    purchase = _locked(Purchase.objects.filter(pk=refund.purchase_id)).get()
    refund = for_update(purchase.refunds.filter(pk=refund.pk)).get()
    if refund.status == Refund.Status.FAILED:
        return refund
    refund.status, refund.failure, refund.ended_at = Refund.Status.FAILED, _cut(failure), now
    refund.save(update_fields=["status", "failure", "ended_at"])
    grant = purchase.credited
    if grant is None and purchase.kind == Purchase.Kind.GIFT_CARD and not purchase.returned:
        reopen_gift_card(card=purchase.gift_card, voided_because=[_void_reason(one) for one in purchase.refunds.all()])
    if grant is not None and grant.wallet.entries.posting(refund.reference).exists():
        grants.reinstate(
            grant=grant,
            original_reference=refund.reference,
            reason=_cut(f"Refund of {refund.money} failed: {refund.failure}"),
            actor=None,
            reference=f"{refund.reference}:failed",
            now=now,
        )
    return refund


def _cut(words: str) -> str:
    """As much of it as a refund and a ledger entry keep."""
    return words[:LONGEST_WORDS]


def _void_reason(refund: Refund) -> str:
    return f"Refunded ({refund.public_id})"


def _purchase_of(stripe_refund: StripeRefund) -> Purchase | None:
    if stripe_refund.payment_intent is None:
        return None
    paid = Purchase.objects.filter(payment_intent=stripe_refund.payment_intent, status=Purchase.Status.PAID)
    return _locked(paid).first()


def _locked(purchases: QuerySet[Purchase]) -> QuerySet[Purchase]:
    return for_update(purchases, of=("self",)).select_related("grant__wallet")


def _known(purchase: Purchase, stripe_refund: StripeRefund) -> Refund | None:
    ours = purchase.refunds.filter(stripe_refund=stripe_refund.id).first()
    return ours or purchase.refunds.filter(public_id=stripe_refund.metadata.get("refund", "")).first()
