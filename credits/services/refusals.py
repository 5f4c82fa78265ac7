"""Why the ledger would not give credits, as errors."""

from decimal import Decimal

from core.errors import PortalError
from credits.errors import DebtOutstanding, InsufficientCredits
from credits.ledger import Result
from credits.models import Unit
from credits.services.wallets import get_unit


def refusal(result: Result, *, unit: Unit | str, required: Decimal) -> PortalError:
    """The DebtOutstanding or InsufficientCredits to raise. Raises UnknownUnit itself."""
    code = get_unit(unit).pk
    available = result.available or Decimal(0)
    if result.outcome == "debt":
        return DebtOutstanding(unit=code, debt=result.debt, required=required, available=available)
    return InsufficientCredits(unit=code, required=required, available=available)
