"""Whatever happens to a wallet, in whatever order: the ledger agrees with a simple model, and the audit is clean."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from django.db import transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from accounts.models import Organization
from core.money import Money
from credits.models import CreditGrant, CreditHold, Unit
from credits.services import expiry, grants, holds, spending
from credits.services.audit import differences
from tests.credits.model import ModelHold, ModelLot, ModelWallet, Taken
from tests.credits.wallet_driver import WalletDriver
from tests.factories import OrganizationFactory

START = datetime(2026, 6, 15, 12, 0, tzinfo=UTC)
AMOUNTS = st.integers(1, 40).map(Decimal) | st.decimals("0.000001", "9.999999", places=6)
HOURS = st.integers(1, 60)
CHOICE = st.integers(0, 30)


@dataclass
class Posting:
    """A spend or a capture, on both sides."""

    reference: str
    taken: list[Taken]


@dataclass
class TakingBack:
    reference: str
    lot: int
    amount: Decimal


@dataclass
class Sides:
    """The ledger's rows and the model's objects, pairwise."""

    lots: list[tuple[CreditGrant, ModelLot]] = field(default_factory=list)
    holds: list[tuple[CreditHold, ModelHold]] = field(default_factory=list)
    postings: list[Posting] = field(default_factory=list)
    taken_back: list[TakingBack] = field(default_factory=list)


class LedgerMachine(RuleBasedStateMachine):
    unit: Unit

    def __init__(self) -> None:
        super().__init__()
        self.savepoint = transaction.savepoint()
        organization: Organization = OrganizationFactory()
        self.usd_wallet = WalletDriver(organization, self.unit, START)
        self.model = ModelWallet(START)
        self.sides = Sides()

    def teardown(self) -> None:
        transaction.savepoint_rollback(self.savepoint)

    # -- Time --------------------------------------------------------------------------------------------------------

    @rule(hours=HOURS)
    def wait(self, hours: int) -> None:
        self.usd_wallet.now += timedelta(hours=hours)
        self.model.advance(timedelta(hours=hours))

    @rule()
    def sweep(self) -> None:
        holds.sweep_holds(now=self.usd_wallet.now)
        assert holds.sweep_holds(now=self.usd_wallet.now) == []

    @rule()
    def expire(self) -> None:
        expiry.expire_credits(now=self.usd_wallet.now)
        assert expiry.expire_credits(now=self.usd_wallet.now) == []
        self.model.expire()

    # -- Coming in ---------------------------------------------------------------------------------------------------

    @rule(amount=AMOUNTS, hours=st.none() | HOURS, priority=st.sampled_from([10, 50]), is_paid=st.booleans())
    def grant(self, amount: Decimal, hours: int | None, priority: int, is_paid: bool) -> None:
        reference = self.usd_wallet.reference()
        days = None if hours is None else hours / 24
        paid = Money(500, "usd") if is_paid else None
        for _ in range(2):
            row = self.usd_wallet.grant(str(amount), days=days, priority=priority, paid=paid, reference=reference)
        lot = self.model.grant(amount, priority=priority, expires_at=row.expires_at, paid=is_paid)
        self.sides.lots.append((row, lot))

    # -- Holds -------------------------------------------------------------------------------------------------------

    @precondition(lambda self: self.model.available() > 0 and not self.model.debt)
    @rule(share=st.integers(1, 4), hours=HOURS)
    def hold(self, share: int, hours: int) -> None:
        amount = (self.model.available() / share).quantize(Decimal("0.000001"))
        if not 0 < amount <= self.model.available():
            return
        deadline = self.usd_wallet.now + timedelta(hours=hours)
        row = self.usd_wallet.hold(str(amount), expires_at=deadline)
        self.sides.holds.append((row, self.model.hold(amount, deadline)))

    @precondition(lambda self: self.open_holds())
    @rule(which=CHOICE, cost=st.none() | st.just(Decimal(0)) | AMOUNTS)
    def capture(self, which: int, cost: Decimal | None) -> None:
        row, held = self.pick(self.open_holds(), which)
        for _ in range(2):
            self.usd_wallet.capture(row, None if cost is None else str(cost))
        taken = self.model.capture(held, held.amount if cost is None else cost)
        if taken:
            self.sides.postings.append(Posting(f"hold:{row.public_id}:capture", taken))

    @precondition(lambda self: self.open_holds())
    @rule(which=CHOICE)
    def release(self, which: int) -> None:
        row, held = self.pick(self.open_holds(), which)
        for _ in range(2):
            self.usd_wallet.release(row)
        self.model.release(held)

    # -- Spending ----------------------------------------------------------------------------------------------------

    @rule(amount=AMOUNTS, hours_ago=st.just(0) | HOURS)
    def spend(self, amount: Decimal, hours_ago: int) -> None:
        at, reference = self.usd_wallet.now - timedelta(hours=hours_ago), self.usd_wallet.reference()
        expected = self.model.spend(amount, at)
        total = sum(one.amount for one in expected)
        for _ in range(2 if total else 1):
            assert self.usd_wallet.spend(str(amount), at=at, reference=reference, partial=True) == total
        if expected:
            self.sides.postings.append(Posting(reference, expected))

    @precondition(lambda self: self.sides.postings)
    @rule(which=CHOICE, amount=AMOUNTS)
    def restore(self, which: int, amount: Decimal) -> None:
        posting = self.pick(self.sides.postings, which)
        reference = self.usd_wallet.reference()
        expected = self.model.restore(posting.taken, amount)
        for _ in range(2 if expected else 1):
            given = spending.restore(
                reference=reference, original_reference=posting.reference, amount=str(amount), now=self.usd_wallet.now
            )
            assert given == expected

    # -- Refunds and disputes ----------------------------------------------------------------------------------------

    @precondition(lambda self: self.sides.lots)
    @rule(which=CHOICE, share=st.integers(1, 3), owe=st.booleans())
    def take_back(self, which: int, share: int, owe: bool) -> None:
        row, lot = self.pick(self.sides.lots, which)
        amount = max((lot.amount / share).quantize(Decimal("0.000001")), Decimal("0.000001"))
        reference = self.usd_wallet.reference()
        total = self.model.take_back(lot, amount, owe=owe)
        for _ in range(2 if total else 1):
            grants.take_back(
                grant=row,
                amount=amount,
                reason="",
                actor=None,
                reference=reference,
                now=self.usd_wallet.now,
                owe_the_rest=owe,
            )
        if total:
            self.sides.taken_back.append(TakingBack(reference, self.sides.lots.index((row, lot)), total))

    @precondition(lambda self: self.sides.taken_back)
    @rule(which=CHOICE)
    def reinstate(self, which: int) -> None:
        undone = self.pick(self.sides.taken_back, which)
        self.sides.taken_back.remove(undone)
        row, lot = self.sides.lots[undone.lot]
        reference = self.usd_wallet.reference()
        self.model.reinstate(lot, undone.amount)
        for _ in range(2):
            given = grants.reinstate(
                grant=row,
                original_reference=undone.reference,
                reason="",
                actor=None,
                reference=reference,
                now=self.usd_wallet.now,
            )
            assert given == undone.amount

    @precondition(lambda self: self.sides.lots)
    @rule(which=CHOICE)
    def freeze(self, which: int) -> None:
        row, lot = self.pick(self.sides.lots, which)
        grants.freeze(grant=row, now=self.usd_wallet.now)
        self.model.freeze(lot)

    @precondition(lambda self: self.frozen())
    @rule(which=CHOICE)
    def thaw(self, which: int) -> None:
        row, lot = self.pick(self.frozen(), which)
        grants.thaw(grant=row, now=self.usd_wallet.now)
        self.model.thaw(lot)

    # -- What must hold ----------------------------------------------------------------------------------------------

    @invariant()
    def both_sides_agree(self) -> None:
        state = self.usd_wallet.state()
        assert state.balance == self.model.balance()
        assert state.held == self.model.held()
        assert state.available == self.model.available()
        assert state.debt == self.model.debt
        assert state.balance == state.available + state.held + state.frozen - state.debt

    @invariant()
    def every_live_lot_agrees(self) -> None:
        """Not just the sums: the same lots were drawn."""
        ledger = {lot.id: (lot.remaining, lot.held) for lot in self.usd_wallet.state().lots}
        model = {
            row.pk: (lot.remaining, lot.held)
            for row, lot in self.sides.lots
            if lot.lives(self.model.now) and lot.remaining
        }
        assert ledger == model

    @invariant()
    def the_audit_is_clean(self) -> None:
        assert differences() == []

    # -- Choosing ----------------------------------------------------------------------------------------------------

    @staticmethod
    def pick(among, which: int):
        return among[which % len(among)]

    def open_holds(self) -> list[tuple[CreditHold, ModelHold]]:
        return [pair for pair in self.sides.holds if pair[1].is_open]

    def frozen(self) -> list[tuple[CreditGrant, ModelLot]]:
        return [pair for pair in self.sides.lots if pair[1].frozen_at is not None]


def test_the_ledger_agrees_with_a_simple_model(usd: Unit) -> None:
    LedgerMachine.unit = usd
    run_state_machine_as_test(
        LedgerMachine,
        settings=settings(
            max_examples=60, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
