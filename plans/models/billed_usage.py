"""Postpaid usage on its way to Stripe."""

from datetime import datetime
from typing import Self, TypeVar

from django.db import models
from django.utils import timezone

from accounts.models import Organization
from core.fields import QuantityField
from core.money import Money
from plans.models.meters import Meter


class BilledUsage(models.Model):
    """What a window bills of a meter so far: the running totals that settlement reported last.

    `quantity` is what Stripe's meter is to show; `amount` what all of it is to cost, in minor units, by the terms under
    which each part was used. `corrected_amount` is what invoice items add to (or take from) what Stripe's own price
    made of the quantity, so that the customer pays `amount`, whatever happened in between, less what was forgiven.
    """

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="billed_usage")
    meter = models.ForeignKey(Meter, on_delete=models.PROTECT, related_name="+")
    window_start = models.DateTimeField()
    window_end = models.DateTimeField()
    currency = models.CharField(max_length=3)
    quantity = QuantityField(default=0)
    amount = models.BigIntegerField(default=0)
    corrected_amount = models.BigIntegerField(default=0)
    invoiced_lines = models.JSONField(
        default=dict, blank=True, help_text="What Stripe's invoices charged for it, by line: minor units."
    )
    forgiven_lines = models.JSONField(
        default=dict, blank=True, help_text="The same of invoices that were voided: nobody pays for these."
    )
    closed_at = models.DateTimeField(
        null=True, blank=True, help_text="When the window's invoice closed: what changes later is corrected."
    )

    class Meta:
        verbose_name_plural = "billed usage"
        ordering = ["-window_start", "organization", "meter"]
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "meter", "window_start"],
                name="one_billed_total_per_organization_meter_and_window",
            ),
            models.CheckConstraint(
                condition=models.Q(quantity__gte=0, amount__gte=0), name="billed_totals_are_not_negative"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.meter.code} of {self.organization} from {self.window_start:%Y-%m-%d} UTC"

    @property
    def money(self) -> Money:
        return Money(self.amount, self.currency)

    @property
    def invoiced_amount(self) -> int:
        """What Stripe's own price has made of it, minor units."""
        return sum(self.invoiced_lines.values())

    @property
    def forgiven_amount(self) -> int:
        """What voided invoices charged for it, minor units."""
        return sum(self.forgiven_lines.values())

    @property
    def outstanding(self) -> int:
        """What neither an invoice line nor a correction covers yet; negative when too much was charged.

        What was forgiven was never paid, so it is not given back when the total falls.
        """
        return max(self.amount - self.forgiven_amount, 0) - self.invoiced_amount - self.corrected_amount


Row = TypeVar("Row", bound="OutboxRow", covariant=True)


class OutboxQuerySet(models.QuerySet[Row]):
    def waiting(self, *, at: datetime) -> Self:
        return self.filter(delivered_at=None, abandoned_at=None, next_attempt_at__lte=at).order_by("id")


class OutboxRow(models.Model):
    """Something to be sent to Stripe, kept until Stripe has acknowledged it."""

    usage = models.ForeignKey(BilledUsage, on_delete=models.PROTECT, related_name="%(class)ss")
    created_at = models.DateTimeField(default=timezone.now)
    next_attempt_at = models.DateTimeField(default=timezone.now)
    attempts = models.PositiveSmallIntegerField(default=0)
    last_error = models.CharField(max_length=500, blank=True)
    delivered_at = models.DateTimeField(null=True, blank=True)
    abandoned_at = models.DateTimeField(
        null=True, blank=True, help_text="When a newer reading was queued, so that this one was not needed any more."
    )

    class Meta:
        abstract = True


class MeterReading(OutboxRow):
    """A running total for Stripe's meter, whose formula is `last`. `identifier` makes it count once there."""

    identifier = models.CharField(max_length=100, unique=True)
    quantity = QuantityField()
    read_at = models.DateTimeField(help_text="The instant it is reported for, inside its window.")

    objects = OutboxQuerySet["MeterReading"].as_manager()

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.quantity} ({self.usage})"


class InvoiceCorrection(OutboxRow):
    """An amount for the next invoice: what Stripe's price makes of a window's total is not what is owed."""

    key = models.CharField(max_length=200, unique=True)
    amount = models.BigIntegerField(help_text="Minor units; negative gives back.")
    description = models.CharField(max_length=300)
    stripe_item_id = models.CharField(max_length=255, blank=True)

    objects = OutboxQuerySet["InvoiceCorrection"].as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [models.CheckConstraint(condition=~models.Q(amount=0), name="invoice_correction_is_not_zero")]

    def __str__(self) -> str:
        return f"{Money(self.amount, self.usage.currency)} ({self.usage})"
