"""A hold's part in the settlement of what its job has just used."""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from credits.models import CreditHold
from credits.services.holds import capture_hold, release_hold
from plans.engine import ladders
from plans.engine.terms import MeterTerms
from usage.engine.settlement import Before, Cover, Settled
from usage.models import UsageHold
from usage.services.windows import Part, UsedWindow

ZERO = Decimal(0)


@dataclass(slots=True)
class Captured:
    """`holds` are the credits set aside, by unit. `unpaid_before` is what was open before the job was counted.

    A capture never fails for lack of credits: what neither the hold nor the wallet can pay becomes debt.
    """

    hold: UsageHold
    holds: dict[str, CreditHold]
    unpaid_before: Decimal = ZERO
    used: set[str] = field(default_factory=set)
    debt: Decimal = ZERO

    def is_of(self, window: UsedWindow, part: Part) -> bool:
        hold = self.hold
        return (
            window.key == (hold.organization_id, hold.meter_id)
            and window.window.start == hold.window_start
            and part.segment_start == hold.segment_start
        )

    def pays(self, window: UsedWindow, part: Part, unit: str) -> bool:
        return unit in self.holds and self.is_of(window, part)

    def owe(self, settled: Settled, *, part: Part, terms: MeterTerms, before: Before) -> Settled:
        """Let the unit that was held last cover what the job left unpaid."""
        more = settled.unpaid - self.unpaid_before
        unit = next(reversed(self.holds), None)
        rate = next((rate for rate in terms.credit_rates if rate.unit == unit), None)
        if more <= 0 or rate is None:
            return settled
        had = settled.credits.get(rate.unit, Cover())
        start = before.credits.get(rate.unit, ZERO) + had.quantity
        cost = ladders.cost_of_span(rate.ladder, start=start, end=start + more)
        covers = settled.credits | {rate.unit: Cover(had.quantity + more, had.charged + cost)}
        return Settled(covers, settled.billed, settled.unpaid - more)

    def capture(self, *, unit: str, amount: Decimal, now: datetime) -> str:
        """Capture the unit's hold; returns the reference of the posting."""
        hold = capture_hold(hold=self.holds[unit], amount=amount, now=now)
        self.used.add(unit)
        self.debt += hold.debt
        return f"hold:{hold.public_id}:capture"

    def release_unused(self, *, now: datetime) -> None:
        for unit, hold in self.holds.items():
            if unit not in self.used:
                release_hold(hold=hold, now=now)
