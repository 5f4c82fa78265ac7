"""Giving credits, taking them back, and what a dispute does to them."""

from datetime import datetime, timedelta
from decimal import Decimal

from django.db import transaction

from accounts.models import Organization, User
from core.background import after_commit
from core.errors import InvalidInput, NotFound
from core.money import Money
from core.quantities import as_text, parse_positive_quantity
from credits import ledger, low_balance_alerts
from credits.announcements import announce_grant
from credits.engine.burn_order import DEFAULT_PRIORITY
from credits.models import AutoTopUp, CreditGrant, LedgerEntry, Purchase, Unit
from credits.references import parse_reference
from credits.services.wallets import ensure_wallet

DEFAULT_VALIDITY = timedelta(days=365)
REINSTATED_FOR_AT_LEAST = timedelta(days=30)
LARGEST_PRIORITY = 32_767


class _InAYear:
    """Stands for the default validity where None means never."""


IN_A_YEAR = _InAYear()


def grant_credits(
    *,
    organization: Organization,
    unit: Unit | str,
    amount: object,
    source: CreditGrant.Source | str,
    reference: str,
    now: datetime,
    reason: str = "",
    actor: User | None = None,
    expires_at: datetime | _InAYear | None = IN_A_YEAR,
    priority: int = DEFAULT_PRIORITY,
    paid: Money | None = None,
    purchase: Purchase | None = None,
    announce: bool = True,
) -> CreditGrant:
    """A new lot in the organization's wallet, valid for 365 days by default (None: never expires).

    Debt is repaid from it first. The product is notified (of the `purchase` that paid for it, too) and the alerts of a
    low balance start anew, unless `announce` is false: for balances that were there before, such as prepared data.
    The same reference, which `ledger.issue` looks up under the wallet's lock, returns the first grant and announces
    nothing. Raises InvalidInput (amount, expires_at, priority, reference), UnknownUnit, ReferenceConflict, OutOfRange.
    """
    exact = parse_positive_quantity(amount, field="amount")
    reference = parse_reference(reference)
    source = CreditGrant.Source(source)
    until = now + DEFAULT_VALIDITY if isinstance(expires_at, _InAYear) else expires_at
    if until is not None and until <= now:
        raise InvalidInput("expires_at must be in the future; leave it empty for never.", field="expires_at")
    if not 0 <= priority <= LARGEST_PRIORITY:
        raise InvalidInput(f"priority must be from 0 to {LARGEST_PRIORITY}; lower is spent first.", field="priority")
    price = paid if paid is not None and paid.amount > 0 else None
    asked = f"grant {as_text(exact)} {source} for {f'{price.amount} {price.currency}' if price else 'nothing'}"
    with transaction.atomic():
        wallet = ensure_wallet(organization=organization, unit=unit)
        grant = CreditGrant(
            wallet=wallet,
            amount=exact,
            remaining=0,
            priority=priority,
            expires_at=until,
            paid_amount=price.amount if price else None,
            paid_currency=price.currency if price else "",
            source=source,
            reason=reason,
            actor=actor,
            created_at=now,
        )
        posted = ledger.issue(grant=grant, reference=reference, fingerprint=asked, now=now)
        if posted.outcome == "repeated":
            return CreditGrant.objects.select_related("wallet").get(pk=posted.subject_id)
        grant.refresh_from_db(fields=["remaining", "held", "is_open"])
        if announce:
            announce_grant(grant=grant, purchase=purchase, now=now)
            low_balance_alerts.restart(wallet=wallet, now=now)
            if AutoTopUp.objects.filter(wallet=wallet, enabled=True).exists():
                # It may not have been enough: then the next pack is due already, and no draw is left to ask for it.
                after_commit("credits.tasks.top_up_wallet", wallet.pk)
        return grant


def take_back(
    *,
    grant: CreditGrant,
    amount: object,
    reason: str,
    actor: User | None,
    reference: str,
    now: datetime,
    owe_the_rest: bool = True,
) -> list[LedgerEntry]:
    """Take credits out of one grant: its free part first, and what it no longer has becomes debt, or is forgiven.

    Never touches another grant. Returns the entries of this posting, the first ones again for a repeat; none when there
    was nothing to take and the rest is forgiven. Raises InvalidInput, ReferenceConflict.
    """
    exact = parse_positive_quantity(amount, field="amount")
    if exact > grant.amount:
        raise InvalidInput(
            f"amount: {grant.public_id} was issued with {as_text(grant.amount)} credits, no more can be taken back.",
            field="amount",
        )
    reference = parse_reference(reference)
    ledger.take_back(
        grant_id=grant.pk,
        amount=exact,
        owe=owe_the_rest,
        reference=reference,
        reason=reason,
        actor_id=actor.pk if actor else None,
        now=now,
    )
    grant.refresh_from_db()
    return list(LedgerEntry.objects.posting(reference))


def reinstate(
    *, grant: CreditGrant, original_reference: str, reason: str, actor: User | None, reference: str, now: datetime
) -> Decimal:
    """Undo `take_back` after a refund failed: all it took returns to the grant, debt is repaid from there first.

    The grant then lives until the later of its old expiry and 30 days from now. Returns the credits that came back.
    Raises NotFound when that posting took nothing back, or has been undone; ReferenceConflict.
    """
    result = ledger.reinstate(
        grant_id=grant.pk,
        original=original_reference,
        until=now + REINSTATED_FOR_AT_LEAST,
        reference=parse_reference(reference),
        reason=reason,
        actor_id=actor.pk if actor else None,
        now=now,
    )
    if result.outcome == "missing":
        raise NotFound(f"{original_reference} took nothing back from {grant.public_id} that could be reinstated.")
    grant.refresh_from_db()
    return result.amount


def freeze(*, grant: CreditGrant, now: datetime) -> CreditGrant:
    """Stop a disputed grant: nothing of it can be spent, and its life stands still. Open holds keep their part.

    Harmless when it is frozen or has lapsed.
    """
    ledger.freeze(grant_id=grant.pk, now=now)
    grant.refresh_from_db()
    return grant


def thaw(*, grant: CreditGrant, now: datetime) -> CreditGrant:
    """Let a frozen grant go on with exactly the life it had left. Harmless when it is not frozen."""
    ledger.thaw(grant_id=grant.pk, now=now)
    grant.refresh_from_db()
    return grant
