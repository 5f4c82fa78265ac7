"""What credits refuse, and why: the ledger, then buying, refunds and gift cards."""

from decimal import Decimal

from core.errors import Conflict, InvalidInput, PaymentRequired, PortalError, RuleRefused
from core.quantities import as_text


class UnknownUnit(InvalidInput):
    """400. No unit has this code."""

    code = "unknown_unit"

    def __init__(self, unit: str) -> None:
        super().__init__(f"unit: there is no unit with the code {unit!r}.", field="unit")


class InsufficientCredits(PaymentRequired):
    """402. Fewer credits are available than asked for; `details` say how many are missing."""

    code = "insufficient_credits"

    def __init__(self, *, unit: str, required: Decimal, available: Decimal) -> None:
        shortfall = required - available
        super().__init__(
            f"{as_text(required)} {unit} credits are needed and {as_text(available)} are available: "
            f"add at least {as_text(shortfall)}.",
            unit=unit,
            required=as_text(required),
            available=as_text(available),
            shortfall=as_text(shortfall),
        )
        self.required, self.available, self.shortfall = required, available, shortfall


class DebtOutstanding(PaymentRequired):
    """402. A job or a refund took more than there was; until that is repaid nothing can be held or spent."""

    code = "debt"

    def __init__(self, *, unit: str, debt: Decimal, required: Decimal, available: Decimal) -> None:
        super().__init__(
            f"{as_text(debt)} {unit} credits are owed. Add credits: they repay this first, then work goes on.",
            unit=unit,
            debt=as_text(debt),
            required=as_text(required),
            available=as_text(available),
            shortfall=as_text(debt + max(required - available, Decimal(0))),
        )
        self.debt = debt


class ReferenceConflict(Conflict):
    """409. The reference was used before for something else."""

    def __init__(self, reference: str) -> None:
        super().__init__(
            f"reference: {reference!r} was used before with other content. Use a new reference for a new request.",
            reference=reference,
        )


class HoldEnded(Conflict):
    """409. The hold has ended in another way than the one asked for."""

    code = "hold_ended"

    def __init__(self, *, hold: str, status: str) -> None:
        super().__init__(f"{hold} has already ended: {status}.", hold=hold, status=status)


class PackNotOnSale(RuleRefused):
    """422. The pack was retired, or staff have not brought it to Stripe yet."""

    code = "pack_not_on_sale"


class NotRefundable(RuleRefused):
    """422. The purchase is unpaid, disputed, wholly refunded, or its gift card was redeemed."""

    code = "not_refundable"


class RefundFailed(RuleRefused):
    """422. Stripe or the bank did not take the refund. The credits are back; another try is another attempt."""

    code = "refund_failed"


class GiftCardInvalid(RuleRefused):
    """422. One answer for unknown, used, void and expired codes: a guess learns nothing."""

    code = "gift_card_invalid"

    def __init__(self) -> None:
        super().__init__("This code cannot be redeemed. Check it, or ask whoever gave it to you.")


class GiftCardUsed(RuleRefused):
    """422. Its credits have been granted already."""

    code = "gift_card_redeemed"


class TooManyTries(PortalError):
    """429. `details.retry_after` is in seconds."""

    code = "too_many_tries"
    http_status = 429
