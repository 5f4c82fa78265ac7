"""Proofs of the ledger, and when they last held."""

from django.db import models


class AuditRun(models.Model):
    """One run of `audit_ledger`: what it covered and every difference it found, in words."""

    at = models.DateTimeField(help_text="UTC.")
    wallets = models.PositiveBigIntegerField()
    entries = models.PositiveBigIntegerField()
    duration_ms = models.PositiveIntegerField()
    differences = models.JSONField(default=list)

    class Meta:
        ordering = ["-at", "-id"]
        get_latest_by = ["at", "id"]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M} UTC: {'clean' if self.is_clean else f'{len(self.differences)} differences'}"

    @property
    def is_clean(self) -> bool:
        return not self.differences
