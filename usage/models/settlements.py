"""How usage beyond the allowance was paid."""

from decimal import Decimal

from django.db import models
from django.db.models import F, Q

from accounts.models import Organization
from core.fields import QuantityField
from credits.models import Unit
from plans.models import Meter


class Settlement(models.Model):
    """One organization's meter in one segment of a window: overage = from credits + billed + unpaid, always."""

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+", db_index=False)
    meter = models.ForeignKey(Meter, on_delete=models.PROTECT, related_name="+", db_index=False)
    window_start = models.DateTimeField()
    segment_start = models.DateTimeField()
    used = QuantityField(default=Decimal(0), help_text="The window's running total at the end of this segment.")
    included = QuantityField(null=True, blank=True, help_text="Of the window, in this segment; empty: no limit.")
    events = models.PositiveBigIntegerField(default=0, help_text="Reported for it when it was last settled.")
    overage = QuantityField(default=Decimal(0))
    from_credits = QuantityField(default=Decimal(0))
    billed = QuantityField(default=Decimal(0))
    unpaid = QuantityField(default=Decimal(0))
    revision = models.PositiveIntegerField(default=0)
    settled_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "meter", "window_start", "segment_start"], name="one_settlement_per_segment"
            ),
            models.CheckConstraint(
                condition=Q(overage=F("from_credits") + F("billed") + F("unpaid")), name="settlement_adds_up"
            ),
            models.CheckConstraint(
                condition=Q(from_credits__gte=0, billed__gte=0, unpaid__gte=0), name="settlement_parts_not_negative"
            ),
        ]
        indexes = [
            models.Index(fields=["organization", "window_start"], name="settlement_unpaid", condition=Q(unpaid__gt=0))
        ]

    def __str__(self) -> str:
        return f"{self.organization} · {self.meter} · {self.window_start:%Y-%m-%d}"


class SettlementDraw(models.Model):
    """One posting of a settlement: so much usage paid with so many credits of a unit, less what was given back."""

    settlement = models.ForeignKey(Settlement, on_delete=models.PROTECT, related_name="draws")
    unit = models.ForeignKey(Unit, on_delete=models.PROTECT, related_name="+")
    reference = models.CharField(max_length=255, unique=True, help_text="Of the posting in the ledger.")
    quantity = QuantityField(help_text="Of the meter.")
    charged = QuantityField(help_text="In credits of the unit.")
    restored_quantity = QuantityField(default=Decimal(0))
    restored = QuantityField(default=Decimal(0))
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(restored__gte=0, restored__lte=F("charged")), name="draw_restores_no_more_than_it_took"
            )
        ]

    def __str__(self) -> str:
        return self.reference
