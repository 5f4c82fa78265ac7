"""Who is on which plan: Stripe's subscriptions as we read them last, and the terms that follow from them."""

from datetime import datetime

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateTimeRangeField, RangeOperators
from django.db import models
from django.utils import timezone

from accounts.models import Organization
from core.money import Money
from plans.models.plans import Interval, Plan


class SubscriptionQuerySet(models.QuerySet["Subscription"]):
    def live(self) -> "SubscriptionQuerySet":
        """Those that Stripe still bills or tries to bill; an `incomplete` one never began."""
        return self.filter(status__in=Subscription.LIVE)

    def base_of(self, organization: Organization) -> "Subscription | None":
        return self._of(organization, Subscription.Role.BASE)

    def companion_of(self, organization: Organization) -> "Subscription | None":
        return self._of(organization, Subscription.Role.COMPANION)

    def _of(self, organization: Organization, role: str) -> "Subscription | None":
        mine = self.live().filter(organization=organization, role=role)
        return mine.select_related("plan", "organization").prefetch_related("items").first()


class Subscription(models.Model):
    """A Stripe subscription of an organization. The base one gives the plan; the companion carries, month by month,
    what an annual or committed base cannot: quantities on demand and metered usage.
    """

    class Role(models.TextChoices):
        BASE = "base", "Plan"
        COMPANION = "companion", "Monthly companion"
        # Webhooks call it `surplus`.
        DUPLICATE = "surplus", "Bought twice, being given back"

    class Status(models.TextChoices):
        """Stripe's own. https://docs.stripe.com/api/subscriptions/object#subscription_object-status"""

        INCOMPLETE = "incomplete", "First payment open"
        INCOMPLETE_EXPIRED = "incomplete_expired", "First payment never made"
        TRIALING = "trialing", "Trial"
        ACTIVE = "active", "Active"
        PAST_DUE = "past_due", "Payment overdue"
        UNPAID = "unpaid", "Unpaid"
        PAUSED = "paused", "Paused"
        CANCELED = "canceled", "Ended"

    class DunningStatus(models.TextChoices):
        """What overdue payments have cost it so far. Ours, beside Stripe's `status`; webhooks call it `standing`."""

        GOOD = "good", "Good"
        DOWNGRADED = "downgraded", "Set back to free"
        SUSPENDED = "suspended", "Suspended"

    LIVE = (Status.TRIALING, Status.ACTIVE, Status.PAST_DUE, Status.UNPAID, Status.PAUSED)
    GIVES_ACCESS = (Status.TRIALING, Status.ACTIVE, Status.PAST_DUE, Status.UNPAID)

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="subscriptions")
    stripe_id = models.CharField("Stripe id", max_length=255, unique=True)
    role = models.CharField(max_length=10, choices=Role.choices)
    plan = models.ForeignKey(Plan, on_delete=models.PROTECT, related_name="subscriptions")
    interval = models.CharField(max_length=10, choices=Interval.choices)
    status = models.CharField(max_length=20, choices=Status.choices)
    dunning_status = models.CharField(max_length=12, choices=DunningStatus.choices, default=DunningStatus.GOOD)
    quantity = models.PositiveIntegerField(null=True, blank=True, help_text="Of the commitment, when there is one.")
    anchor = models.DateTimeField(help_text="Stripe's billing cycle anchor.")
    current_period_start = models.DateTimeField(null=True, blank=True)
    current_period_end = models.DateTimeField(null=True, blank=True)
    cancel_at = models.DateTimeField(null=True, blank=True, help_text="When it is going to end.")
    trial_end = models.DateTimeField(null=True, blank=True)
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    stripe_schedule_id = models.CharField(max_length=255, blank=True)
    latest_invoice_id = models.CharField(max_length=255, blank=True)
    revision = models.PositiveIntegerField(default=0, help_text="Counts the changes that were announced.")
    synced_at = models.DateTimeField()
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = SubscriptionQuerySet.as_manager()

    class Meta:
        ordering = ["-started_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["organization"],
                condition=models.Q(role="base", status__in=["trialing", "active", "past_due", "unpaid", "paused"]),
                name="one_live_base_subscription_per_organization",
            ),
            models.UniqueConstraint(
                fields=["organization"],
                condition=models.Q(role="companion", status__in=["trialing", "active", "past_due", "unpaid", "paused"]),
                name="one_live_companion_per_organization",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.plan} ({self.get_interval_display().lower()}) of {self.organization}"

    @property
    def is_live(self) -> bool:
        return self.status in self.LIVE

    @property
    def gives_access(self) -> bool:
        return self.status in self.GIVES_ACCESS and self.dunning_status == self.DunningStatus.GOOD

    def item(self, component: str, meter: str = "") -> "SubscriptionItem | None":
        wanted = (component, meter)
        return next((item for item in self.items.all() if (item.component, item.meter_code) == wanted), None)

    @property
    def metered_items(self) -> "list[SubscriptionItem]":
        return [item for item in self.items.all() if item.component == SubscriptionItem.Component.METERED]


class SubscriptionItem(models.Model):
    """One line of a subscription at Stripe, with the price it was subscribed at."""

    class Component(models.TextChoices):
        BASE = "base", "Plan"
        QUANTITY = "quantity", "Committed quantity"
        METERED = "metered", "Metered usage"

    subscription = models.ForeignKey(Subscription, on_delete=models.CASCADE, related_name="items")
    stripe_id = models.CharField(max_length=255, unique=True)
    stripe_price_id = models.CharField(max_length=255)
    component = models.CharField(max_length=10, choices=Component.choices)
    meter_code = models.CharField(max_length=60, blank=True)
    quantity = models.PositiveIntegerField(null=True, blank=True)
    amount = models.BigIntegerField(null=True, blank=True, help_text="Minor units for one; empty for metered prices.")
    currency = models.CharField(max_length=3)

    class Meta:
        ordering = ["subscription", "component", "id"]

    def __str__(self) -> str:
        return f"{self.get_component_display()} of {self.subscription_id}"

    @property
    def money(self) -> Money | None:
        return None if self.amount is None else Money(self.amount * (self.quantity or 1), self.currency)


class TermsPeriodQuerySet(models.QuerySet["TermsPeriod"]):
    def of(self, organization: Organization) -> "TermsPeriodQuerySet":
        return self.filter(organization=organization).order_by("starts_at")

    def at(self, moment: datetime) -> "TermsPeriodQuerySet":
        return self.filter(models.Q(ends_at=None) | models.Q(ends_at__gt=moment), starts_at__lte=moment)


class _TimeRange(models.Func):
    function = "TSTZRANGE"

    def __init__(self, *expressions: str) -> None:
        super().__init__(*expressions, output_field=DateTimeRangeField())


class TermsPeriod(models.Model):
    """A span during which an organization is on a plan; where there is none, it is on the default plan.

    Written ahead (`starts_at`, `ends_at` in the future) when a change is planned, so that it takes effect at its
    instant, and never backwards: usage that was counted keeps its terms. `window_anchor` and `stretch_start` are those
    of the whole paid stretch, handed on from period to period.
    """

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="terms_periods")
    subscription = models.ForeignKey(Subscription, on_delete=models.PROTECT, related_name="terms_periods")
    plan = models.ForeignKey(Plan, on_delete=models.PROTECT, related_name="+")
    interval = models.CharField(max_length=10, choices=Interval.choices)
    bought = models.PositiveIntegerField(null=True, blank=True, help_text="Of the plan's commitment.")
    companion_paid = models.BooleanField(
        default=True,
        help_text="Off while the monthly companion is unpaid: nothing on demand, and nothing billed later by the year.",
    )
    window_anchor = models.DateTimeField()
    stretch_start = models.DateTimeField()
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField(null=True, blank=True)
    written_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = TermsPeriodQuerySet.as_manager()

    class Meta:
        ordering = ["organization", "starts_at"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(ends_at=None) | models.Q(ends_at__gt=models.F("starts_at")),
                name="terms_period_ends_after_it_starts",
            ),
            models.CheckConstraint(
                condition=models.Q(starts_at__gte=models.F("stretch_start")),
                name="terms_period_lies_in_its_stretch",
            ),
            # Two ranges overlap only when both do: GiST knows ranges of integers without any extension.
            ExclusionConstraint(
                name="terms_periods_of_an_organization_never_overlap",
                expressions=[
                    (
                        models.Func(
                            models.F("organization"), models.F("organization"), models.Value("[]"), function="INT8RANGE"
                        ),
                        RangeOperators.OVERLAPS,
                    ),
                    (_TimeRange("starts_at", "ends_at"), RangeOperators.OVERLAPS),
                ],
            ),
        ]

    def __str__(self) -> str:
        return f"{self.plan} from {self.starts_at:%Y-%m-%d %H:%M} UTC"


class OnDemand(models.Model):
    """What an organization uses beyond its commitment, and how far the monthly companion has followed.

    `wanted` is used minus bought; `paid` the most that the companion's running month was charged for, below which going
    up again costs nothing. `refused_at` is set while the card does not pay for more.
    """

    organization = models.OneToOneField(Organization, on_delete=models.CASCADE, related_name="on_demand")
    wanted = models.PositiveIntegerField(default=0)
    paid = models.PositiveIntegerField(default=0)
    paid_until = models.DateTimeField(null=True, blank=True)
    revision = models.PositiveIntegerField(default=0, help_text="Counts the changes sent to Stripe.")
    refused_at = models.DateTimeField(null=True, blank=True)
    refusal = models.CharField(max_length=500, blank=True)

    class Meta:
        verbose_name_plural = "on demand"

    def __str__(self) -> str:
        return f"{self.wanted} on demand of {self.organization}"
