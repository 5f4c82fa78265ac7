"""One organization's credits of one unit."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from django.db import models
from django.db.models import F, Q

from accounts.models import Organization
from core.fields import QuantityField
from core.prepared_statements import prepared_cursor
from core.quantities import ZERO
from credits.engine.forecast import per_day
from credits.engine.wallet_state import NOTHING, WalletState
from credits.models.protection import LedgerKeeps
from credits.models.units import Unit
from credits.wallet_queries import states_of, wallet_lots

CONSUMPTION_DAYS = 30


class WalletManager(models.Manager["Wallet"]):
    def states(self, *, organization: Organization, at: datetime, units: Iterable[str] = ()) -> dict[str, WalletState]:
        """By unit code, for every wallet of the organization (or those of `units`), as of `at`."""
        found = self.states_of_many(organization_ids=[organization.pk], at=at, units=units)
        return {unit: state for (_, unit), state in found.items()}

    def states_of_many(
        self, *, organization_ids: Sequence[int], at: datetime, units: Iterable[str] = ()
    ) -> dict[tuple[int, str], WalletState]:
        """The same for many organizations, in the one query: by organization's primary key and unit code."""
        with prepared_cursor() as cursor:
            cursor.execute(*wallet_lots(organization_ids=organization_ids, at=at, units=units))
            return states_of(cursor.fetchall(), at=at)

    def state(self, *, organization: Organization, unit: Unit | str, at: datetime) -> WalletState:
        """One wallet as of `at`; nothing at all where there is no wallet yet."""
        code = unit if isinstance(unit, str) else unit.pk
        return self.states(organization=organization, at=at, units=[code]).get(code, NOTHING)

    def burn_per_day(self, *, wallet: "Wallet", now: datetime) -> Decimal:
        """Credits consumed per day, over the last 30 days or since the wallet's first entry if that is later."""
        with prepared_cursor() as cursor:
            cursor.execute(
                "SELECT * FROM ledger_consumed_since(%s, %s)", (wallet.pk, now - timedelta(days=CONSUMPTION_DAYS))
            )
            consumed, begun = cursor.fetchone()
        if begun is None or consumed <= 0:
            return ZERO
        return per_day(consumed, days=min(CONSUMPTION_DAYS, (now - begun).days + 1))


class Wallet(LedgerKeeps):
    """The posted figures of one organization and unit, kept by the ledger under this row's lock.

    `balance` = what grants have remaining − `debt`. What people and programs are shown is `Wallet.objects.state()`,
    which also knows what has lapsed since the last posting.
    """

    ledger_fields = frozenset({"balance", "held", "debt", "consumed", "last_sequence"})

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="wallets", db_index=False)
    unit = models.ForeignKey(Unit, on_delete=models.PROTECT, related_name="wallets")
    balance = QuantityField(default=Decimal(0), editable=False)
    held = QuantityField(default=Decimal(0), editable=False)
    debt = QuantityField(default=Decimal(0), editable=False)
    consumed = QuantityField(
        default=Decimal(0), editable=False, help_text="Ever spent or captured, debt included, less what was given back."
    )
    last_sequence = models.BigIntegerField(default=0, editable=False)
    watch_at = QuantityField(
        null=True,
        blank=True,
        editable=False,
        help_text="A draw that leaves this much or less looks whether the balance is low; empty: none does.",
    )
    created_at = models.DateTimeField(db_default=models.functions.Now(), editable=False)

    objects = WalletManager()

    class Meta:
        ordering = ["organization", "unit"]
        constraints = [
            models.UniqueConstraint(fields=["organization", "unit"], name="one_wallet_per_organization_and_unit"),
            models.CheckConstraint(condition=Q(debt__gte=0), name="wallet_debt_is_not_negative"),
            models.CheckConstraint(
                condition=Q(held__gte=0, held__lte=F("balance") + F("debt")),
                name="wallet_holds_no_more_than_its_grants_have",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.organization} · {self.unit_id}"
