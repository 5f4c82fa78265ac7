"""Automatic top-up: a pack bought with the saved card when a balance falls to a threshold."""

from django.db import models
from django.db.models import Q

from core.fields import QuantityField
from core.money import Money
from credits.models.packs import CreditPack
from credits.models.wallets import Wallet


class AutoTopUp(models.Model):
    """One wallet's standing order. It switches itself off when the bank declines or wants the customer to confirm."""

    wallet = models.OneToOneField(Wallet, on_delete=models.PROTECT, related_name="auto_top_up")
    pack = models.ForeignKey(CreditPack, on_delete=models.PROTECT, related_name="+")
    threshold = QuantityField(help_text="Buys when this much or less is available.")
    monthly_cap = models.PositiveBigIntegerField(
        help_text="The most it may spend in a calendar month (UTC), in minor units of the pack's currency."
    )
    enabled = models.BooleanField(default=True)
    off_reason = models.CharField(max_length=500, blank=True, help_text="Why it switched itself off, for the owner.")
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="top_up_threshold_is_not_negative",
                condition=Q(threshold__gte=0),
                violation_error_message="The threshold is zero or more.",
            ),
            models.CheckConstraint(
                name="top_up_cap_is_positive",
                condition=Q(monthly_cap__gt=0),
                violation_error_message="The monthly cap is more than nothing; switch the top-up off instead.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.wallet}: {self.pack} at {self.threshold}"

    @property
    def cap(self) -> Money:
        return Money(self.monthly_cap, self.pack.currency)
