"""A wallet as simply as it can be said: lists, loops and no regard for speed. The ledger is held against it."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal

NOTHING = Decimal(0)
NEVER = datetime.max.replace(tzinfo=UTC)


@dataclass(eq=False)
class ModelLot:
    """A grant."""

    number: int
    amount: Decimal
    priority: int
    expires_at: datetime | None
    paid: bool
    remaining: Decimal = NOTHING
    held: Decimal = NOTHING
    frozen_at: datetime | None = None

    @property
    def free(self) -> Decimal:
        return self.remaining - self.held

    def lives(self, at: datetime) -> bool:
        return self.expires_at is None or self.frozen_at is not None or at < self.expires_at

    def burns(self) -> tuple[int, datetime, bool, int]:
        return (self.priority, self.expires_at or NEVER, self.paid, self.number)


@dataclass(eq=False)
class ModelHold:
    """What a job set aside."""

    amount: Decimal
    deadline: datetime
    parts: list[tuple[ModelLot, Decimal]]
    is_open: bool = True


@dataclass(eq=False)
class Taken:
    """So much was taken from a lot, or became debt (no lot).

    `back` is what was given back of it; `repayments_before` how many repayments of debt there had been.
    """

    lot: ModelLot | None
    amount: Decimal
    repayments_before: int = 0
    back: Decimal = NOTHING

    @property
    def left(self) -> Decimal:
        return self.amount - self.back


@dataclass
class ModelWallet:
    now: datetime
    debt: Decimal = NOTHING
    lots: list[ModelLot] = field(default_factory=list)
    holds: list[ModelHold] = field(default_factory=list)
    repayments: list[Taken] = field(default_factory=list)

    # -- What it has -------------------------------------------------------------------------------------------------

    def available(self, at: datetime | None = None) -> Decimal:
        return sum((lot.free for lot in self.spendable(at or self.now)), NOTHING)

    def held(self) -> Decimal:
        return sum((lot.held for lot in self.lots), NOTHING)

    def balance(self) -> Decimal:
        there = sum((lot.remaining if lot.lives(self.now) else lot.held for lot in self.lots), NOTHING)
        return there - self.debt

    def spendable(self, at: datetime) -> list[ModelLot]:
        live = [lot for lot in self.lots if lot.lives(at) and lot.frozen_at is None and lot.free > 0]
        return sorted(live, key=ModelLot.burns)

    # -- What happens to it ------------------------------------------------------------------------------------------

    def advance(self, by: timedelta) -> None:
        """Time passes, and with it deadlines, each at its own instant."""
        self.now += by
        for hold in sorted(self.holds, key=lambda one: one.deadline):
            if hold.is_open and hold.deadline <= self.now:
                self._end(hold, NOTHING, hold.deadline)

    def grant(self, amount: Decimal, *, priority: int, expires_at: datetime | None, paid: bool) -> ModelLot:
        lot = ModelLot(len(self.lots), amount, priority, expires_at, paid)
        self.lots.append(lot)
        lot.remaining = amount
        self._repay(lot, amount)
        return lot

    def hold(self, amount: Decimal, deadline: datetime) -> ModelHold:
        parts = self._walk(amount, self.now)
        for lot, part in parts:
            lot.held += part
        self.holds.append(ModelHold(amount, deadline, parts))
        return self.holds[-1]

    def capture(self, hold: ModelHold, cost: Decimal) -> list[Taken]:
        return self._end(hold, cost, self.now)

    def release(self, hold: ModelHold) -> None:
        self._end(hold, NOTHING, self.now)

    def spend(self, amount: Decimal, at: datetime) -> list[Taken]:
        """As much as there is; under debt nothing."""
        return [] if self.debt else [self._take(lot, part) for lot, part in self._walk(amount, at)]

    def restore(self, posting: list[Taken], amount: Decimal) -> Decimal:
        owed = self.debt
        freed: list[tuple[ModelLot, Decimal]] = []
        wanted = amount
        for entry in reversed(posting):
            part = min(wanted, entry.left)
            wanted -= part
            if entry.lot is not None:
                freed.append(self._give_back(entry, part))
                continue
            cancelled = min(part, owed)
            entry.back += part
            owed -= cancelled
            self.debt -= cancelled
            part -= cancelled
            since = self.repayments[entry.repayments_before :]
            for repayment in reversed(since):
                given = min(part, repayment.left)
                part -= given
                freed.append(self._give_back(repayment, given))
        for lot, part in freed:
            if lot.lives(self.now) and lot.frozen_at is None:
                self._repay(lot, part)
        return amount - wanted

    def take_back(self, lot: ModelLot, amount: Decimal, *, owe: bool) -> Decimal:
        """What it took, debt included."""
        taken = min(amount, lot.free) if lot.lives(self.now) else NOTHING
        lot.remaining -= taken
        if owe:
            self.debt += amount - taken
            return amount
        return taken

    def reinstate(self, lot: ModelLot, amount: Decimal) -> None:
        if lot.expires_at is not None:
            lot.expires_at = max(lot.expires_at, self.now + timedelta(days=30))
        lot.remaining += amount
        if lot.frozen_at is None:
            self._repay(lot, amount)

    def freeze(self, lot: ModelLot) -> None:
        if lot.frozen_at is None and lot.lives(self.now):
            lot.frozen_at = self.now

    def thaw(self, lot: ModelLot) -> None:
        if lot.frozen_at is None:
            return
        if lot.expires_at is not None:
            lot.expires_at += self.now - lot.frozen_at
        lot.frozen_at = None
        self._repay(lot, lot.free)

    def expire(self) -> None:
        for lot in self.lots:
            if not lot.lives(self.now):
                lot.remaining = lot.held

    # -- How ---------------------------------------------------------------------------------------------------------

    def _walk(self, amount: Decimal, at: datetime) -> list[tuple[ModelLot, Decimal]]:
        parts = []
        for lot in self.spendable(at):
            part = min(amount, lot.free)
            amount -= part
            if part:
                parts.append((lot, part))
        return parts

    def _take(self, lot: ModelLot | None, amount: Decimal) -> Taken:
        if lot is None:
            self.debt += amount
        else:
            lot.remaining -= amount
        return Taken(lot, amount, repayments_before=len(self.repayments))

    def _repay(self, lot: ModelLot, freed: Decimal) -> None:
        repaid = min(self.debt, freed)
        if repaid > 0:
            self.debt -= repaid
            lot.remaining -= repaid
            self.repayments.append(Taken(lot, repaid))

    def _give_back(self, entry: Taken, amount: Decimal) -> tuple[ModelLot, Decimal]:
        assert entry.lot is not None
        entry.back += amount
        if entry.lot.lives(self.now):
            entry.lot.remaining += amount
        return entry.lot, amount

    def _end(self, hold: ModelHold, cost: Decimal, at: datetime) -> list[Taken]:
        hold.is_open = False
        posting, freed, left = [], [], cost
        for lot, part in hold.parts:
            lot.held -= part
            taken = min(left, part)
            left -= taken
            if taken:
                posting.append(self._take(lot, taken))
            if not lot.lives(at):
                lot.remaining -= part - taken
            elif lot.frozen_at is None:
                freed.append((lot, part - taken))
        if left:
            for lot, part in self._walk(left, at):
                posting.append(self._take(lot, part))
                left -= part
        if left:
            posting.append(self._take(None, left))
        for lot, part in freed:
            self._repay(lot, part)
        return posting
