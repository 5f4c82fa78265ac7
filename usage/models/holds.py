"""Usage set aside before a job: included usage first, then credits."""

from datetime import datetime
from decimal import Decimal

from django.db import models
from django.db.models import Q

from accounts.models import Organization
from core.fields import QuantityField
from core.public_ids import PublicIdField
from credits.models import CreditHold
from plans.models import Meter


class UsageHoldQuerySet(models.QuerySet["UsageHold"]):
    def of(self, organization: Organization) -> "UsageHoldQuerySet":
        return self.filter(organization=organization)

    def open(self, *, at: datetime) -> "UsageHoldQuerySet":
        """Not ended; one past its deadline counts as released, whether or not the sweep has come by."""
        return self.filter(status=UsageHold.Status.OPEN, expires_at__gt=at)

    def overdue(self, *, at: datetime) -> "UsageHoldQuerySet":
        """Past their deadline, and not yet posted as expired."""
        return self.filter(status=UsageHold.Status.OPEN, expires_at__lte=at)


class UsageHold(models.Model):
    """Reserves `quantity` of a `sum` or `count` meter in the window in which it was opened; ends once."""

    class Status(models.TextChoices):
        OPEN = "open", "Open"
        CAPTURED = "captured", "Captured"
        RELEASED = "released", "Released"
        EXPIRED = "expired", "Expired"

    public_id = PublicIdField("hold")
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="usage_holds", db_index=False)
    meter = models.ForeignKey(Meter, on_delete=models.PROTECT, related_name="+")
    quantity = QuantityField()
    from_allowance = QuantityField(default=Decimal(0))
    from_credits = QuantityField(default=Decimal(0), help_text="Quantity of the meter that credits are held for.")
    to_bill = QuantityField(default=Decimal(0), help_text="Quantity of the meter that is to be billed later.")
    credit_holds = models.ManyToManyField(CreditHold, related_name="usage_holds", blank=True)
    window_start = models.DateTimeField()
    segment_start = models.DateTimeField()
    status = models.CharField(max_length=10, choices=Status, default=Status.OPEN, editable=False)
    reference = models.CharField(max_length=255, help_text="The product's own; once per organization.")
    expires_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    captured = QuantityField(default=Decimal(0))
    captured_from_allowance = QuantityField(default=Decimal(0))
    captured_from_credits = QuantityField(default=Decimal(0))
    debt = QuantityField(default=Decimal(0), help_text="In credits: what the job cost beyond all there was.")
    event_id = models.CharField(max_length=255, blank=True, default="")
    created_at = models.DateTimeField()

    objects = UsageHoldQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["organization", "reference"], name="usage_hold_reference_once"),
            models.CheckConstraint(condition=Q(quantity__gt=0), name="usage_hold_quantity_is_positive"),
        ]
        indexes = [
            models.Index(fields=["organization", "meter"], name="usage_hold_open", condition=Q(status="open")),
            models.Index(fields=["expires_at"], name="usage_hold_open_by_deadline", condition=Q(status="open")),
        ]

    def __str__(self) -> str:
        return self.public_id

    def status_at(self, now: datetime) -> str:
        """What to tell anybody who asks at `now`: past its deadline an open hold has expired."""
        if self.status == self.Status.OPEN and self.expires_at <= now:
            return self.Status.EXPIRED
        return self.status
