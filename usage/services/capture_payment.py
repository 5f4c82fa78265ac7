"""A hold's part in the settlement of what its job has just used."""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from core.quantities import ZERO
from credits.models import CreditHold, Wallet
from credits.services.holds import capture_hold, release_hold
from credits.services.spending import charge
from plans.engine import price_ladders
from plans.engine.terms import CreditRate, MeterTerms
from usage.engine.settlement import Before, Cover, Settled
from usage.models import UsageHold
from usage.services.settlement_windows import Part, UsedWindow


@dataclass(slots=True)
class Captured:
    """`holds` are the credits set aside, by unit. `unpaid_before` is what was open before the job was counted.

    A capture never fails for lack of credits: what neither the hold nor the wallet can pay becomes debt.
    """

    hold: UsageHold
    holds: dict[str, CreditHold]
    unpaid_before: Decimal = ZERO
    owing: str | None = None
    used: set[str] = field(default_factory=set)
    debt: Decimal = ZERO

    def available(self, *, at: datetime) -> dict[str, Decimal]:
        """What the hold and the wallets can give, exactly: they are locked, so that a plan made with it comes true."""
        states = Wallet.objects.states(organization=self.hold.organization, at=at)
        left = {unit: state.usable for unit, state in states.items()}
        return left | {unit: left[unit] + hold.amount for unit, hold in self.holds.items()}

    def is_of(self, window: UsedWindow, part: Part) -> bool:
        hold = self.hold
        return (
            window.key == (hold.organization_id, hold.meter_id)
            and window.window.start == hold.window_start
            and part.segment_start == hold.segment_start
        )

    def pays(self, window: UsedWindow, part: Part, unit: str) -> bool:
        return (unit in self.holds or unit == self.owing) and self.is_of(window, part)

    def owe(self, settled: Settled, *, part: Part, terms: MeterTerms, before: Before) -> Settled:
        """Let credits cover what the job left unpaid, where credits pay for what is not included."""
        more = settled.unpaid - self.unpaid_before
        if more <= 0 or not terms.uses_credits or not terms.credit_rates:
            return settled
        rate = self._rate_to_owe_in(terms)
        self.owing = rate.unit
        had = settled.credits.get(rate.unit, Cover())
        start = before.credits.get(rate.unit, ZERO) + had.quantity
        cost = price_ladders.cost_of_span(rate.ladder, start=start, end=start + more)
        covers = settled.credits | {rate.unit: Cover(had.quantity + more, had.charged + cost)}
        return Settled(covers, settled.billed, settled.unpaid - more)

    def _rate_to_owe_in(self, terms: MeterTerms) -> CreditRate:
        """The unit tried last: of those held, else of those the organization has. With none at all, the first."""
        units = set(self.holds) or set(
            Wallet.objects.filter(organization_id=self.hold.organization_id).values_list("unit_id", flat=True)
        )
        return next((rate for rate in reversed(terms.credit_rates) if rate.unit in units), terms.credit_rates[0])

    def capture(self, *, unit: str, amount: Decimal, now: datetime) -> str:
        """Capture the unit's hold, or charge where none was needed; returns the reference of the posting."""
        if unit not in self.holds:
            reference = f"hold:{self.hold.public_id}:capture"
            self.debt += charge(
                organization=self.hold.organization, unit=unit, amount=amount, reference=reference, now=now
            )
            return reference
        hold = capture_hold(hold=self.holds[unit], amount=amount, now=now)
        self.used.add(unit)
        self.debt += hold.debt
        return f"hold:{hold.public_id}:capture"

    def release_unused(self, *, now: datetime) -> None:
        for unit, hold in self.holds.items():
            if unit not in self.used:
                release_hold(hold=hold, now=now)
