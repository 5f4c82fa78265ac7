"""Spending credits at once, and giving back what a spend took."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db import transaction

from accounts.models import Organization
from core.errors import NotFound
from core.quantities import ZERO, parse_positive_quantity
from credits import ledger
from credits.models import Unit
from credits.references import parse_reference
from credits.services.wallets import ensure_wallet, get_unit, unit_code


@dataclass(frozen=True, slots=True, kw_only=True)
class Debit:
    """One spend of a batch: as much of `amount` as is there, from grants that were live at `at`."""

    organization_id: int
    unit: str
    amount: Decimal
    reference: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Spent:
    """What a spend took."""

    reference: str
    taken: Decimal


def spend(
    *,
    organization: Organization,
    unit: Unit | str,
    amount: object,
    reference: str,
    at: datetime,
    now: datetime,
    partial: bool = False,
    reason: str = "",
) -> Spent:
    """Take credits from the grants that were live at `at`, the time of use, in burn order.

    `partial` takes what is available instead of refusing; under debt that is nothing. A spend that took nothing wrote
    nothing, so its reference is still unused. Raises InvalidInput, UnknownUnit, InsufficientCredits, DebtOutstanding,
    ReferenceConflict.
    """
    exact = parse_positive_quantity(amount, field="amount")
    result = ledger.spend(
        organization_id=organization.pk,
        unit=unit_code(unit),
        amount=exact,
        reference=parse_reference(reference),
        partial=partial,
        reason=reason,
        at=at,
        now=now,
    )
    if result.outcome in ("posted", "repeated"):
        return Spent(reference, result.amount)
    if partial:
        get_unit(unit)
        return Spent(reference, ZERO)
    raise result.refusal(unit=get_unit(unit), required=exact)


def spend_batch(*, debits: Sequence[Debit], now: datetime, reason: str = "") -> list[Spent]:
    """Many partial spends in one round trip and one transaction, wallets locked in id order.

    Answers in the order given. Raises InvalidInput and ReferenceConflict with nothing taken.
    """
    amounts = [parse_positive_quantity(debit.amount, field="amount") for debit in debits]
    references = [parse_reference(debit.reference) for debit in debits]
    taken = [ZERO] * len(debits)
    waiting = list(range(len(debits)))
    with transaction.atomic():
        while waiting:
            results = ledger.spend_batch(
                organization_ids=[debits[index].organization_id for index in waiting],
                units=[debits[index].unit for index in waiting],
                amounts=[amounts[index] for index in waiting],
                references=[references[index] for index in waiting],
                ats=[debits[index].at for index in waiting],
                reason=reason,
                now=now,
            )
            overdue = {result.wallet_id for result in results if result.outcome == "overdue"}
            for result in results:
                taken[waiting[result.place - 1]] = result.amount or ZERO
            waiting = [waiting[result.place - 1] for result in results if result.outcome == "overdue"]
            for wallet_id in sorted(overdue):
                ledger.release_overdue(wallet_id=wallet_id, now=now)
    return [Spent(reference, amount) for reference, amount in zip(references, taken, strict=True)]


def draw_or_owe(
    *, organization: Organization, unit: Unit | str, amount: object, reference: str, now: datetime
) -> Decimal:
    """Pay for a job that has run and for which nothing was held: take what is available, and owe the rest.

    Returns the debt this made. Raises InvalidInput, UnknownUnit, ReferenceConflict, OutOfRange.
    """
    exact = parse_positive_quantity(amount, field="amount")
    wallet = ensure_wallet(organization=organization, unit=unit)
    result = ledger.draw_or_owe(wallet_id=wallet.pk, amount=exact, reference=parse_reference(reference), now=now)
    return result.debt or ZERO


def restore(*, reference: str, original_reference: str, amount: object, now: datetime, reason: str = "") -> Decimal:
    """Give back up to `amount` of what a spend or a capture took, last drawn first, into the same grants.

    A grant that has lapsed meanwhile gets its part and loses it at once, both on record. Returns what was given back.
    Raises InvalidInput, NotFound when nothing was taken under `original_reference`, ReferenceConflict.
    """
    result = ledger.restore(
        original=original_reference,
        amount=parse_positive_quantity(amount, field="amount"),
        reference=parse_reference(reference),
        reason=reason,
        now=now,
    )
    if result.outcome == "missing":
        raise NotFound(f"Nothing was spent under the reference {original_reference!r}.")
    return result.amount
