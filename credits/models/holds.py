"""Credits set aside before a job."""

from datetime import datetime
from decimal import Decimal

from django.db import models
from django.db.models import F, Q

from accounts.models import Organization
from core.fields import QuantityField
from core.public_ids import PublicIdField
from credits.models.grants import CreditGrant
from credits.models.protection import LedgerKeeps
from credits.models.wallets import Wallet


class CreditHoldQuerySet(models.QuerySet["CreditHold"]):
    def of(self, organization: Organization) -> "CreditHoldQuerySet":
        return self.filter(organization=organization)

    def overdue(self, *, at: datetime) -> "CreditHoldQuerySet":
        """Past their deadline and waiting for the sweep."""
        return self.filter(status=CreditHold.Status.OPEN, expires_at__lte=at)


class CreditHold(LedgerKeeps):
    """Reserves `amount` from named grants until it ends once: captured, released or expired."""

    ledger_fields = frozenset({"status", "captured", "debt", "ended_at"})

    class Status(models.TextChoices):
        OPEN = "open", "Open"
        CAPTURED = "captured", "Captured"
        RELEASED = "released", "Released"
        EXPIRED = "expired", "Expired"

    public_id = PublicIdField("hold")
    organization = models.ForeignKey(
        Organization, on_delete=models.PROTECT, related_name="credit_holds", db_index=False
    )
    wallet = models.ForeignKey(Wallet, on_delete=models.PROTECT, related_name="holds", db_index=False)
    amount = QuantityField()
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.OPEN, editable=False)
    captured = QuantityField(default=Decimal(0), editable=False)
    debt = QuantityField(default=Decimal(0), editable=False, help_text="The part of `captured` without credits.")
    reference = models.CharField(max_length=255, help_text="The caller's own; once per organization.")
    expires_at = models.DateTimeField(help_text="UTC; at this instant the credits are free again.")
    ended_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(editable=False)

    objects = CreditHoldQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["organization", "reference"], name="hold_reference_is_used_once"),
            models.CheckConstraint(condition=Q(amount__gt=0), name="hold_amount_is_positive"),
            models.CheckConstraint(condition=Q(captured__gte=0), name="hold_captured_is_not_negative"),
            models.CheckConstraint(
                condition=Q(debt__gte=0) & Q(debt__lte=F("captured")), name="hold_debt_is_part_of_what_was_captured"
            ),
            models.CheckConstraint(
                condition=Q(status="open", ended_at__isnull=True, captured=0)
                | Q(status="captured", ended_at__isnull=False)
                | Q(status__in=["released", "expired"], ended_at__isnull=False, captured=0),
                name="hold_ends_once",
            ),
            models.CheckConstraint(condition=Q(expires_at__gt=F("created_at")), name="hold_deadline_is_ahead"),
        ]
        indexes = [
            models.Index("wallet", "expires_at", condition=Q(status="open"), name="hold_open_by_wallet"),
            models.Index("expires_at", condition=Q(status="open"), name="hold_open_by_deadline"),
            models.Index("wallet", "ended_at", condition=Q(status="captured"), name="hold_captured_by_wallet"),
        ]

    def __str__(self) -> str:
        return self.public_id

    def status_at(self, now: datetime) -> str:
        """As of `now`: past its deadline an open hold has expired, whether or not the sweep has posted that."""
        if self.status == self.Status.OPEN and self.expires_at <= now:
            return self.Status.EXPIRED
        return self.status


class HoldReservation(models.Model):
    """How much of a hold one grant stands for, in burn order; kept after the hold has ended."""

    hold = models.ForeignKey(CreditHold, on_delete=models.PROTECT, related_name="reservations", db_index=False)
    grant = models.ForeignKey(CreditGrant, on_delete=models.PROTECT, related_name="reservations")
    amount = QuantityField()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["hold", "grant"], name="hold_reserves_a_grant_once"),
            models.CheckConstraint(condition=Q(amount__gt=0), name="reservation_amount_is_positive"),
        ]

    def __str__(self) -> str:
        return f"{self.hold_id}: {self.amount} of {self.grant_id}"
