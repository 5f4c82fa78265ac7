"""How a capture is paid: by what its hold set aside, else by the wallet, and what neither has becomes debt.

Settlement asks this wherever it pays for the segment in which the hold was opened.
"""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from core.quantities import ZERO
from credits.models import CreditHold, Wallet
from credits.services.holds import capture_hold, release_hold
from credits.services.spending import draw_or_owe
from plans.engine import price_ladders
from plans.engine.terms import CreditRate, MeterTerms
from usage.engine.coverage import Coverage, CreditCover, LadderStart
from usage.models import UsageHold
from usage.services.settlement_windows import UsedSegment, UsedWindow


@dataclass(slots=True)
class CapturePayment:
    """`holds` are the credits set aside, by unit. `unpaid_before` is what was unpaid before the job was counted.

    `debt_unit` is the unit in which debt is made, once it is known that any is; `debt` is in credits.
    """

    hold: UsageHold
    holds: dict[str, CreditHold]
    unpaid_before: Decimal = ZERO
    debt_unit: str | None = None
    captured_units: set[str] = field(default_factory=set)
    debt: Decimal = ZERO

    def available(self, *, at: datetime) -> dict[str, Decimal]:
        """What the hold and the wallets can give, exactly: they are locked, so that a plan made with it comes true."""
        states = Wallet.objects.states(organization=self.hold.organization, at=at)
        left = {unit: state.usable for unit, state in states.items()}
        return left | {unit: left[unit] + hold.amount for unit, hold in self.holds.items()}

    def is_for(self, window: UsedWindow, segment: UsedSegment) -> bool:
        hold = self.hold
        return (
            window.key == (hold.organization_id, hold.meter_id)
            and window.start == hold.window_start
            and segment.start == hold.segment_start
        )

    def pays(self, window: UsedWindow, segment: UsedSegment, unit: str) -> bool:
        return (unit in self.holds or unit == self.debt_unit) and self.is_for(window, segment)

    def owe_unpaid(self, coverage: Coverage, *, terms: MeterTerms, ladder_start: LadderStart) -> Coverage:
        """Let credits cover what the job left unpaid, where credits pay for what is not included."""
        more = coverage.unpaid - self.unpaid_before
        if more <= 0 or not terms.uses_credits or not terms.credit_rates:
            return coverage
        rate = self._rate_of_debt(terms)
        self.debt_unit = rate.unit
        had = coverage.cover_of(rate.unit)
        start = ladder_start.of(rate.unit) + had.quantity
        cost = price_ladders.cost_of_span(rate.ladder, start=start, end=start + more)
        credits = {**coverage.credits, rate.unit: CreditCover(had.quantity + more, had.charged + cost)}
        return Coverage(credits, coverage.billed, coverage.unpaid - more)

    def _rate_of_debt(self, terms: MeterTerms) -> CreditRate:
        """The unit tried last: of those held, else of those the organization has. With none at all, the first."""
        units = set(self.holds) or set(
            Wallet.objects.filter(organization_id=self.hold.organization_id).values_list("unit_id", flat=True)
        )
        return next((rate for rate in reversed(terms.credit_rates) if rate.unit in units), terms.credit_rates[0])

    def draw(self, *, unit: str, amount: Decimal, now: datetime) -> str:
        """Capture the unit's hold, or charge where none was needed; returns the reference of the posting."""
        if unit not in self.holds:
            reference = f"hold:{self.hold.public_id}:capture"
            self.debt += draw_or_owe(
                organization=self.hold.organization, unit=unit, amount=amount, reference=reference, now=now
            )
            return reference
        hold = capture_hold(hold=self.holds[unit], amount=amount, now=now)
        self.captured_units.add(unit)
        self.debt += hold.debt
        return f"hold:{hold.public_id}:capture"

    def release_unused(self, *, now: datetime) -> None:
        for unit, hold in self.holds.items():
            if unit not in self.captured_units:
                release_hold(hold=hold, now=now)
