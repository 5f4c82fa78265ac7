"""Gift cards: made by staff or bought, redeemed once, or voided."""

import secrets
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import NamedTuple

from django.db import transaction

from accounts.models import Organization, User
from core.errors import InvalidInput
from core.locks import for_update
from core.quantities import parse_positive_quantity
from credits.announcements import announce_redemption, send_bought_card
from credits.engine.gift_card_codes import hash_of, last_four, new_code
from credits.errors import GiftCardInvalid, GiftCardUsed
from credits.models import CreditGrant, GiftCard, Purchase, Unit
from credits.services.gift_card_throttle import count_failure, refuse_after_too_many
from credits.services.grants import grant_credits

LARGEST_BATCH = 1_000


class IssuedCard(NamedTuple):
    """A new card with its code, which nobody can read again."""

    card: GiftCard
    code: str


@transaction.atomic
def issue_gift_cards(
    *,
    name: str,
    unit: Unit,
    amount: object,
    count: int = 1,
    valid_days: int = 365,
    expires_at: datetime | None = None,
    created_by: User | None = None,
    purchase: Purchase | None = None,
    now: datetime,
) -> list[IssuedCard]:
    """Make one card or a batch of equal ones. Raises InvalidInput (name, amount, count, expires_at)."""
    worth = parse_positive_quantity(amount, field="amount")
    if not name.strip():
        raise InvalidInput("name: say what the card is for; whoever redeems it reads it.", field="name")
    if not 1 <= count <= LARGEST_BATCH:
        raise InvalidInput(f"count must be between 1 and {LARGEST_BATCH:,}.", field="count")
    if expires_at is not None and expires_at <= now:
        raise InvalidInput(
            "expires_at must be in the future; leave it empty for a card without an end.", field="expires_at"
        )
    batch = secrets.token_hex(4) if count > 1 else ""
    codes = [new_code() for _ in range(count)]
    cards = GiftCard.objects.bulk_create(
        GiftCard(
            code_hash=hash_of(code),
            last_four=last_four(code),
            name=name.strip(),
            batch=batch,
            unit=unit,
            amount=worth,
            valid_days=valid_days,
            expires_at=expires_at,
            created_by=created_by,
            purchase=purchase,
            created_at=now,
        )
        for code in codes
    )
    return [IssuedCard(card, code) for card, code in zip(cards, codes, strict=True)]


def redeem_gift_card(
    *, organization: Organization, code: str, actor: User | None = None, tried_by: str, address: str = "", now: datetime
) -> CreditGrant:
    """Turn a card into a grant of this organization, once.

    `tried_by` (a user's or API key's id) and `address` are whose failures are counted.
    Raises GiftCardInvalid, or TooManyTries after too many of those.
    """
    refuse_after_too_many(tried_by=tried_by, address=address)
    try:
        return _redeem(organization, code, actor, now)
    except GiftCardInvalid:
        count_failure(tried_by=tried_by, address=address)
        raise


@transaction.atomic
def _redeem(organization: Organization, code: str, actor: User | None, now: datetime) -> CreditGrant:
    card = (
        for_update(GiftCard.objects.redeemable(at=now).filter(code_hash=hash_of(code)), of=("self",))
        .select_related("unit")
        .first()
    )
    if card is None:
        raise GiftCardInvalid
    grant = grant_credits(
        organization=organization,
        unit=card.unit,
        amount=card.amount,
        source=CreditGrant.Source.GIFT_CARD,
        reference=f"gift:{card.public_id}",
        reason=f"Gift card: {card.name}",
        actor=actor,
        expires_at=now + timedelta(days=card.valid_days) if card.valid_days else None,
        now=now,
    )
    card.redeemed_at, card.redeemed_by, card.grant = now, organization, grant
    card.save(update_fields=["redeemed_at", "redeemed_by", "grant"])
    announce_redemption(card=card, now=now)
    return grant


@transaction.atomic
def reopen_gift_card(*, card: GiftCard, voided_because: Collection[str]) -> None:
    """Undo the voiding that refunds did, after all of them failed. A card voided for another reason stays void."""
    GiftCard.objects.filter(pk=card.pk, redeemed_at=None, void_reason__in=voided_because).update(
        voided_at=None, void_reason=""
    )


@transaction.atomic
def void_gift_card(*, card: GiftCard, reason: str, now: datetime) -> GiftCard:
    """Make a card worthless; repeating it is harmless. Raises GiftCardUsed when its credits are granted already."""
    if not reason.strip():
        raise InvalidInput("reason: say why the card is voided.", field="reason")
    card = for_update(GiftCard.objects.filter(pk=card.pk)).get()
    if card.redeemed_at is not None:
        raise GiftCardUsed(f"{card} was redeemed; take the credits back from its grant instead.")
    if card.voided_at is None:
        card.voided_at, card.void_reason = now, reason.strip()
        card.save(update_fields=["voided_at", "void_reason"])
    return card


def issue_bought_card(*, purchase: Purchase, now: datetime) -> GiftCard:
    """The card of a paid purchase, sent to its recipient; the portal itself forgets the code."""
    order = purchase.gift_card_order
    [(card, code)] = issue_gift_cards(
        name=f"Gift from {order.sender or purchase.organization.name}",
        unit=purchase.unit,
        amount=purchase.credits,
        valid_days=purchase.valid_days,
        purchase=purchase,
        now=now,
    )
    send_bought_card(card=card, order=order, code=code, now=now)
    return card
