"""The ledger: each movement of credits, and the balance after it."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from core.fields import QuantityField
from credits.models.grants import CreditGrant
from credits.models.wallets import Wallet


class LedgerEntryQuerySet(models.QuerySet["LedgerEntry"]):
    def posting(self, reference: str) -> "LedgerEntryQuerySet":
        """All entries of one posting, in order."""
        first = self.filter(reference=reference).first()
        if first is None:
            return self.none()
        onwards = self.filter(wallet_id=first.wallet_id, sequence__gte=first.sequence).order_by("sequence")
        others = onwards.exclude(reference=reference).exclude(reference__startswith=f"{reference}#")
        next_one = others.values_list("sequence", flat=True).first()
        return onwards if next_one is None else onwards.filter(sequence__lt=next_one)


class LedgerEntry(models.Model):
    """One movement of one grant, or of the debt when `grant` is empty (a negative amount is more debt).

    Triggers refuse UPDATE, DELETE and TRUNCATE; a correction is a new entry. A posting that moves several grants writes
    several entries in a row: `ref`, `ref#2`, `ref#3`…
    """

    class Kind(models.TextChoices):
        GRANT = "grant", "Granted"
        SPEND = "spend", "Spent"
        CAPTURE = "capture", "Captured from a hold"
        RESTORE = "restore", "Given back"
        REPAYMENT = "repayment", "Debt repaid"
        EXPIRE = "expire", "Expired"
        TAKE_BACK = "take_back", "Taken back"
        REINSTATE = "reinstate", "Reinstated"

    wallet = models.ForeignKey(Wallet, on_delete=models.PROTECT, related_name="entries", db_index=False)
    sequence = models.BigIntegerField(help_text="1, 2, 3… within the wallet, without a gap.")
    grant = models.ForeignKey(CreditGrant, on_delete=models.PROTECT, null=True, blank=True, related_name="entries")
    kind = models.CharField(max_length=20, choices=Kind.choices)
    amount = QuantityField()
    balance_after = QuantityField(help_text="The wallet's balance, this entry included.")
    consumed_after = QuantityField(help_text="What the wallet has consumed ever, this entry included.")
    reference = models.CharField(max_length=400, help_text="The cause; once for ever.")
    fingerprint = models.CharField(max_length=400, help_text="What was asked for, to tell a repeat from a conflict.")
    reverses = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="reversals", db_index=False
    )
    reason = models.CharField(max_length=500, blank=True, default="")
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    event_at = models.DateTimeField(help_text="When it happened in the world (UTC).")
    created_at = models.DateTimeField(help_text="When it was posted (UTC).")

    objects = LedgerEntryQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        verbose_name_plural = "ledger entries"
        constraints = [
            models.UniqueConstraint(fields=["reference"], name="ledger_reference_is_used_once"),
            models.UniqueConstraint(fields=["wallet", "sequence"], name="ledger_sequence_is_used_once"),
            models.CheckConstraint(condition=~Q(amount=0), name="ledger_entry_moves_something"),
        ]
        indexes = [
            models.Index(F("reverses"), condition=Q(reverses__isnull=False), name="ledger_reversals"),
        ]

    def __str__(self) -> str:
        return f"{self.wallet_id}/{self.sequence}: {self.kind} {self.amount}"
