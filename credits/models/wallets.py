"""One organization's credits of one unit."""

from decimal import Decimal

from django.db import models
from django.db.models import F, Q

from accounts.models import Organization
from core.fields import QuantityField
from credits.models.protection import LedgerKeeps
from credits.models.units import Unit
from credits.reads import WalletManager


class Wallet(LedgerKeeps):
    """The posted figures of one organization and unit, kept by the ledger under this row's lock.

    `balance` = what grants have remaining − `debt`. What a person or program may be told is `Wallet.objects.state()`,
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
