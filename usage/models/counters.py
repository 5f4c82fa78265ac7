"""Running totals, kept as events arrive, so that no answer depends on how long the history is."""

from decimal import Decimal

from django.db import models

from accounts.models import Organization
from core.fields import QuantityField
from plans.models import Meter


class MeterState(models.Model):
    """The row to lock before deciding anything about one organization's meter: the one guard of every path.

    `settle_at` says when the tally has to look at it (whatever may change a settlement sets it, the tally clears it),
    `check_at` when it has to be checked for thresholds and refusals. For `latest` meters it also holds the newest
    reading by (time, id).
    """

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+", db_index=False)
    meter = models.ForeignKey(Meter, on_delete=models.PROTECT, related_name="+", db_index=False)
    settle_at = models.DateTimeField(null=True, blank=True)
    settle_from = models.DateTimeField(
        null=True,
        blank=True,
        help_text="The earliest instant whose usage is still to be settled; the window around it and all later ones "
        "are.",
    )
    check_at = models.DateTimeField(null=True, blank=True)
    blocked = models.CharField(max_length=40, blank=True, default="", help_text="Why it was last refused.")
    blocked_since = models.DateTimeField(null=True, blank=True)
    reading = QuantityField(null=True, blank=True)
    reading_at = models.DateTimeField(null=True, blank=True)
    reading_id = models.CharField(max_length=255, blank=True, default="", db_collation="C")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "meter"], name="one_state_per_organization_and_meter")
        ]
        indexes = [
            models.Index(
                fields=["organization", "settle_at"],
                name="meter_state_to_settle",
                condition=models.Q(settle_at__isnull=False),
            ),
            models.Index(fields=["check_at"], name="meter_state_to_check", condition=models.Q(check_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self.organization} · {self.meter}"

    @property
    def key(self) -> tuple[int, int]:
        """Organization and meter, by primary key."""
        return self.organization_id, self.meter_id


class UsageCounter(models.Model):
    """What one meter counted on one day (UTC) of one segment of a window.

    `quantity` is everything reported, `billable` what counts (for `unique` the subjects first seen that day in the
    window, for `latest` the day's highest reading).
    """

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+", db_index=False)
    meter = models.ForeignKey(Meter, on_delete=models.PROTECT, related_name="+", db_index=False)
    window_start = models.DateTimeField()
    segment_start = models.DateTimeField()
    day = models.DateField()
    events = models.BigIntegerField(default=0)
    quantity = QuantityField(default=Decimal(0))
    billable = QuantityField(default=Decimal(0))

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "meter", "window_start", "segment_start", "day"], name="one_counter_per_day"
            )
        ]

    def __str__(self) -> str:
        return f"{self.organization} · {self.meter} · {self.day}"


class WindowSubject(models.Model):
    """A subject of a `unique` meter in one window, with how many live billable events name it."""

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+", db_index=False)
    meter = models.ForeignKey(Meter, on_delete=models.PROTECT, related_name="+", db_index=False)
    window_start = models.DateTimeField()
    subject = models.CharField(max_length=255)
    segment_start = models.DateTimeField()
    day = models.DateField()
    live_events = models.BigIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "meter", "window_start", "subject"], name="subject_once_per_window"
            )
        ]

    def __str__(self) -> str:
        return self.subject
