"""What is measured, and what it costs in credits."""

from datetime import datetime

from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.db import models
from django.utils import timezone

from accounts.models import Organization
from credits.models import Unit
from plans.engine.billable_rules import BillableRule, InvalidRule, PropertyBound
from plans.fields import LadderField
from plans.validators import code_validator


def successful() -> list[str]:
    return ["success"]


class MeterQuerySet(models.QuerySet["Meter"]):
    def in_use(self) -> "MeterQuerySet":
        return self.filter(retired=False)


class Meter(models.Model):
    """One thing the product reports. Its code and aggregation never change: counters rest on them."""

    class Aggregation(models.TextChoices):
        SUM = "sum", "Sum of quantities"
        COUNT = "count", "Number of events"
        UNIQUE = "unique", "Number of different subjects"
        LATEST = "latest", "Latest reading"

    code = models.CharField(max_length=60, unique=True, validators=[code_validator])
    name = models.CharField(max_length=120)
    aggregation = models.CharField(max_length=10, choices=Aggregation.choices)
    unit_name = models.CharField(max_length=60, help_text='What one of it is called: "session", "GB".')
    retired = models.BooleanField(default=False, help_text="A retired meter takes no new events.")
    billable_statuses = ArrayField(
        models.CharField(max_length=60), default=successful, help_text="Only events with one of these statuses count."
    )
    min_duration_ms = models.PositiveIntegerField(null=True, blank=True, help_text="Shorter events do not count.")
    max_latency_ms = models.PositiveIntegerField(null=True, blank=True, help_text="Slower events do not count.")
    property_bounds = models.JSONField(
        default=dict,
        blank=True,
        help_text='Bounds on numeric properties, such as {"tokens": {"minimum": "1", "maximum": "100000"}}.',
    )

    objects = MeterQuerySet.as_manager()

    class Meta:
        ordering = ["code"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(aggregation__in=["sum", "count", "unique", "latest"]),
                name="meter_aggregation_is_known",
            ),
            models.CheckConstraint(
                condition=models.Q(billable_statuses__len__gt=0), name="meter_counts_at_least_one_status"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        self.property_bounds = self.property_bounds or {}
        try:
            self.rule  # noqa: B018  parsing it is the check
        except InvalidRule as problem:
            raise ValidationError({"property_bounds": str(problem)}) from None

    @property
    def rule(self) -> BillableRule:
        """Which events count."""
        return BillableRule(
            statuses=frozenset(self.billable_statuses),
            min_duration_ms=self.min_duration_ms,
            max_latency_ms=self.max_latency_ms,
            property_bounds=PropertyBound.parse_all(self.property_bounds),
        )

    @property
    def can_be_held(self) -> bool:
        return self.aggregation in (self.Aggregation.SUM, self.Aggregation.COUNT)


class CreditRate(models.Model):
    """What one of a meter costs in credits of a unit. Wallets are tried by `position`."""

    meter = models.ForeignKey(Meter, on_delete=models.CASCADE, related_name="credit_rates")
    unit = models.ForeignKey(Unit, on_delete=models.PROTECT, related_name="+")
    ladder = LadderField(help_text="Credits of the unit per one of the meter.")
    position = models.PositiveSmallIntegerField(default=0, help_text="Lower ones are drawn on first.")

    class Meta:
        ordering = ["meter", "position", "id"]
        constraints = [
            models.UniqueConstraint(fields=["meter", "unit"], name="one_credit_rate_per_meter_and_unit"),
        ]

    def __str__(self) -> str:
        return f"{self.meter.code} in {self.unit.code} credits"


class LadderOverrideQuerySet(models.QuerySet["LadderOverride"]):
    def live(self, *, at: datetime) -> "LadderOverrideQuerySet":
        return self.filter(models.Q(ends_at=None) | models.Q(ends_at__gt=at), starts_at__lte=at)


class LadderOverride(models.Model):
    """One organization's own price of a meter. It replaces the whole ladder, and nobody else's.

    With a unit, it stands for that credit rate; without, for the bill ladder of whatever plan the organization is on.
    Usage from `starts_at` until `ends_at` is priced with it.
    """

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="ladder_overrides")
    meter = models.ForeignKey(Meter, on_delete=models.PROTECT, related_name="overrides")
    unit = models.ForeignKey(
        Unit,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="Which credit rate it replaces; empty for the price in money.",
    )
    ladder = LadderField()
    starts_at = models.DateTimeField("from", default=timezone.now, help_text="UTC. Usage from then on has this price.")
    ends_at = models.DateTimeField("until", null=True, blank=True, help_text="UTC. Empty: until further notice.")
    reason = models.CharField(max_length=200, blank=True)

    objects = LadderOverrideQuerySet.as_manager()

    class Meta:
        ordering = ["organization", "meter", "starts_at"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(ends_at=None) | models.Q(ends_at__gt=models.F("starts_at")),
                name="ladder_override_ends_after_it_starts",
            ),
            models.UniqueConstraint(
                fields=["organization", "meter", "unit"],
                condition=models.Q(ends_at=None),
                nulls_distinct=False,
                name="one_open_override_per_organization_meter_and_unit",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.meter.code} for {self.organization}"

    def clean(self) -> None:
        if self.unit_id and self.meter_id and not self.meter.credit_rates.filter(unit_id=self.unit_id).exists():
            raise ValidationError({"unit": "This meter has no credit rate in that unit to replace; add one first."})
        twins = LadderOverride.objects.exclude(pk=self.pk).filter(
            organization_id=self.organization_id, meter_id=self.meter_id, unit_id=self.unit_id
        )
        if self.ends_at:
            twins = twins.filter(starts_at__lt=self.ends_at)
        if twins.filter(models.Q(ends_at=None) | models.Q(ends_at__gt=self.starts_at)).exists():
            raise ValidationError("Another override of the same ladder holds in that time. End it first.")
