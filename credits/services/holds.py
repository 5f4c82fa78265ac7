"""Setting credits aside before a job, and settling after it."""

from datetime import datetime, timedelta
from decimal import Decimal

from accounts.models import Organization
from core.errors import InvalidInput, NotFound
from core.public_ids import new_public_id
from core.quantities import parse_positive_quantity, parse_quantity
from credits import ledger
from credits.errors import HoldEnded
from credits.models import CreditHold, Unit
from credits.references import parse_name
from credits.services.wallets import get_unit, unit_code

DEFAULT_DEADLINE = timedelta(hours=1)
LATEST_DEADLINE = timedelta(days=7)


def open_hold(
    *,
    organization: Organization,
    unit: Unit | str,
    amount: object,
    reference: str,
    now: datetime,
    expires_at: datetime | None = None,
) -> CreditHold:
    """Reserve credits until the deadline, one hour from now by default and 7 days at most.

    The organization's same reference returns the first hold. Raises InvalidInput (amount, expires_at, reference),
    UnknownUnit, InsufficientCredits, DebtOutstanding, ReferenceConflict.
    """
    exact = parse_positive_quantity(amount, field="amount")
    reference = parse_name(reference)
    deadline = parse_deadline(expires_at, now=now)
    public_id = new_public_id("hold")
    result = ledger.open_hold(
        organization_id=organization.pk,
        unit=unit_code(unit),
        public_id=public_id,
        amount=exact,
        reference=reference,
        expires_at=deadline,
        now=now,
    )
    if result.outcome == "repeated":
        return CreditHold.objects.get(pk=result.subject_id)
    if result.outcome != "posted":
        raise result.refusal(unit=get_unit(unit), required=exact)
    hold = CreditHold(
        pk=result.subject_id,
        public_id=public_id,
        organization=organization,
        wallet_id=result.wallet_id,
        amount=exact,
        reference=reference,
        expires_at=deadline,
        created_at=now,
    )
    hold._state.adding = False
    return hold


def capture_hold(*, hold: CreditHold, now: datetime, amount: object | None = None) -> CreditHold:
    """Take what the job cost: the whole hold, or `amount`, which may be less, more or zero.

    Never fails for lack of credits: above the hold it draws on what is available and the rest is debt. What was held
    beyond the cost is free again. The same capture again is harmless. Raises InvalidInput, HoldEnded.
    """
    exact = None if amount is None else parse_quantity(amount, field="amount")
    if exact is not None and exact < 0:
        raise InvalidInput("amount must not be negative.", field="amount")
    return _end(hold, CreditHold.Status.CAPTURED, exact, now)


def release_hold(*, hold: CreditHold, now: datetime) -> CreditHold:
    """Give everything back. The same release again is harmless. Raises HoldEnded."""
    return _end(hold, CreditHold.Status.RELEASED, Decimal(0), now)


def sweep_holds(*, now: datetime) -> list[CreditHold]:
    """Post every hold whose deadline has passed; they have counted as released since."""
    overdue = CreditHold.objects.overdue(at=now)
    wallets = overdue.order_by("wallet_id").values_list("wallet_id", flat=True).distinct()
    return [hold for wallet_id in list(wallets) for hold in ledger.release_overdue(wallet_id=wallet_id, now=now)]


def get_hold(*, organization: Organization | None, public_id: str) -> CreditHold:
    """A hold of this organization (any organization's for None). Raises NotFound, also for somebody else's."""
    holds = CreditHold.objects.all() if organization is None else CreditHold.objects.of(organization)
    hold = holds.select_related("organization", "wallet").filter(public_id=public_id).first()
    if hold is None:
        raise NotFound(f"There is no hold {public_id}.")
    return hold


def parse_deadline(expires_at: datetime | None, *, now: datetime) -> datetime:
    """Raises InvalidInput for a deadline that has passed or lies more than 7 days ahead."""
    deadline = now + DEFAULT_DEADLINE if expires_at is None else expires_at
    if deadline <= now:
        raise InvalidInput("expires_at must be in the future.", field="expires_at")
    if deadline > now + LATEST_DEADLINE:
        raise InvalidInput(f"expires_at must be at most {LATEST_DEADLINE.days} days ahead.", field="expires_at")
    return deadline


def _end(hold: CreditHold, status: CreditHold.Status, amount: Decimal | None, now: datetime) -> CreditHold:
    result = ledger.end_hold(hold=hold, status=status, amount=amount, now=now)
    if result.outcome == "posted":
        hold.status, hold.captured, hold.debt, hold.ended_at = status, result.amount, result.debt, now
        return hold
    hold.refresh_from_db()
    if result.outcome == "ended":
        raise HoldEnded(hold=hold.public_id, status=hold.status_at(now))
    return hold
