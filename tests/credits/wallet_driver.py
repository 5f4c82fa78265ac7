"""Drives one wallet through the services, in the few words that tests need."""

import itertools
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from accounts.models import Organization
from credits.engine.wallet_state import WalletState
from credits.models import CreditGrant, CreditHold, LedgerEntry, Unit, Wallet
from credits.services import grants, holds, spending
from credits.services.audit import differences


@dataclass
class WalletDriver:
    """Amounts are given and compared as strings such as "12.5"; `now` may be moved."""

    organization: Organization
    unit: Unit
    now: datetime
    _numbers: Any = field(default_factory=itertools.count)

    def reference(self) -> str:
        return f"test:{self.organization.pk}:{self.unit.pk}:{next(self._numbers)}"

    def grant(self, amount: str, *, days: float | None = 365, **terms: Any) -> CreditGrant:
        return grants.grant_credits(
            organization=self.organization,
            unit=self.unit,
            amount=amount,
            source=CreditGrant.Source.STAFF,
            reference=terms.pop("reference", None) or self.reference(),
            expires_at=None if days is None else self.now + timedelta(days=days),
            now=self.now,
            **{"announce": False} | terms,
        )

    def hold(self, amount: str, *, reference: str | None = None, **terms: Any) -> CreditHold:
        return holds.open_hold(
            organization=self.organization,
            unit=self.unit,
            amount=amount,
            reference=reference or self.reference(),
            now=self.now,
            **terms,
        )

    def capture(self, hold: CreditHold, amount: str | None = None) -> CreditHold:
        return holds.capture_hold(hold=hold, amount=amount, now=self.now)

    def release(self, hold: CreditHold) -> CreditHold:
        return holds.release_hold(hold=hold, now=self.now)

    def spend(self, amount: str, *, at: datetime | None = None, reference: str | None = None, **terms: Any) -> Decimal:
        return spending.spend(
            organization=self.organization,
            unit=self.unit,
            amount=amount,
            reference=reference or self.reference(),
            at=at or self.now,
            now=self.now,
            **terms,
        ).taken

    def restore(self, original: str, amount: str) -> Decimal:
        return spending.restore(reference=self.reference(), original_reference=original, amount=amount, now=self.now)

    def owe(self, amount: str) -> None:
        """Make debt the only way there is: a job that cost more than there was. Leaves nothing available."""
        available = self.state().available
        if not available:
            self.grant("1")
            available = Decimal(1)
        self.capture(self.hold(str(available)), str(available + Decimal(amount)))

    def state(self, at: datetime | None = None) -> WalletState:
        return Wallet.objects.state(organization=self.organization, unit=self.unit, at=at or self.now)

    @property
    def row(self) -> Wallet:
        return Wallet.objects.get(organization=self.organization, unit=self.unit)

    def figures(self, at: datetime | None = None) -> dict[str, str]:
        """Balance, held, available and debt, as plain text."""
        state = self.state(at)
        return {name: f"{getattr(state, name).normalize():f}" for name in ("balance", "held", "available", "debt")}

    def entries(self) -> list[tuple[str, str]]:
        """Kind and amount of every entry, oldest first."""
        rows = LedgerEntry.objects.filter(wallet__organization=self.organization, wallet__unit=self.unit)
        return [(row.kind, f"{row.amount.normalize():f}") for row in rows.order_by("sequence")]


def figures(balance: str, *, held: str = "0", available: str | None = None, debt: str = "0") -> dict[str, str]:
    """What `WalletDriver.figures()` is to be; all of the balance is available unless it says otherwise."""
    return {"balance": balance, "held": held, "available": balance if available is None else available, "debt": debt}


def assert_clean() -> None:
    """Every wallet adds up."""
    assert differences() == []
