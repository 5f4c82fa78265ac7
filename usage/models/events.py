"""What the product reported, as it reported it."""

from datetime import datetime
from decimal import Decimal

from django.db import models
from django.db.models import Q

from accounts.models import Organization
from core.fields import QuantityField
from plans.models import Meter


class UsageEventQuerySet(models.QuerySet["UsageEvent"]):
    def counting(self) -> "UsageEventQuerySet":
        """Those that count: billable and not voided."""
        return self.filter(billable=True, voided_at=None)

    def of_window(self, *, organization_id: int, meter_id: int, window_start: datetime) -> "UsageEventQuerySet":
        return self.filter(
            organization_id=organization_id,
            meter_id=meter_id,
            window_start=window_start,
            event_at__gte=window_start,
        )


class UsageEvent(models.Model):
    """One fact, idempotent for ever by the organization and the product's own id.

    Kept whether or not it is billable: `not_billable` says why it is not. `window_start` and `segment_start` say where
    it counts: a segment is a part of a window under one set of terms.
    """

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+", db_index=False)
    event_id = models.CharField(max_length=255, db_collation="C")
    meter = models.ForeignKey(Meter, on_delete=models.PROTECT, related_name="+", db_index=False)
    event_at = models.DateTimeField(help_text="When it happened (UTC).")
    quantity = QuantityField(default=Decimal(1))
    status = models.CharField(max_length=40, default="success")
    duration_ms = models.BigIntegerField(null=True, blank=True)
    subject = models.CharField(max_length=255, blank=True, default="")
    properties = models.JSONField(default=dict, blank=True)
    billable = models.BooleanField()
    not_billable = models.CharField(max_length=500, blank=True, default="", help_text="Why it does not count.")
    counted = QuantityField(default=Decimal(0), help_text="What it adds to its meter; for readings, the reading.")
    window_start = models.DateTimeField()
    segment_start = models.DateTimeField()
    voided_at = models.DateTimeField(null=True, blank=True)
    void_reason = models.CharField(max_length=500, blank=True, default="")
    created_at = models.DateTimeField()

    objects = UsageEventQuerySet.as_manager()

    class Meta:
        ordering = ["-event_at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["organization", "event_id"], name="event_id_once_per_organization"),
            models.CheckConstraint(
                condition=Q(billable=True) | ~Q(not_billable=""), name="event_says_why_not_billable"
            ),
        ]
        indexes = [models.Index(fields=["organization", "meter", "event_at"], name="event_by_meter_and_time")]

    def __str__(self) -> str:
        return self.event_id

    @property
    def counts(self) -> bool:
        return self.billable and self.voided_at is None
