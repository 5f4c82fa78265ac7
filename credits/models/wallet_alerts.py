"""When an organization is notified that a balance runs low."""

from django.db import models
from django.db.models import Q

from core.fields import QuantityField
from credits.models.wallets import Wallet


class WalletAlert(models.Model):
    """Which alerts of one wallet were sent since its last top-up; a top-up begins anew."""

    wallet = models.OneToOneField(Wallet, on_delete=models.PROTECT, related_name="alert")
    threshold = QuantityField(
        null=True,
        blank=True,
        help_text="The organization's own; empty: a fifth of what was there after the last top-up.",
    )
    level = QuantityField(default=0, help_text="What was available after the last top-up.")
    top_ups = models.PositiveBigIntegerField(default=0, help_text="How many there were; part of each alert's key.")
    low_sent = models.BooleanField(default=False)
    exhausted_sent = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="alert_threshold_is_not_negative",
                condition=Q(threshold__isnull=True) | Q(threshold__gte=0),
                violation_error_message="The threshold is zero or more.",
            )
        ]

    def __str__(self) -> str:
        return f"Alerts of {self.wallet}"
