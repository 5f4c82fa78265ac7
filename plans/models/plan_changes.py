"""What a customer asked for: a first subscription through the hosted checkout, or a change of the one they have."""

from datetime import datetime

from django.conf import settings
from django.db import models
from django.utils import timezone

from accounts.models import Organization
from core.money import Money
from core.public_ids import PublicIdField
from plans.models.plans import Interval, Plan
from plans.models.subscriptions import Subscription


class PlanCheckoutQuerySet(models.QuerySet["PlanCheckout"]):
    def open(self, *, at: datetime) -> "PlanCheckoutQuerySet":
        return self.filter(status=PlanCheckout.Status.OPEN, expires_at__gt=at)


class PlanCheckout(models.Model):
    """One visit to the hosted checkout. An organization has at most one open, so that two tabs cannot both be paid."""

    class Status(models.TextChoices):
        OPEN = "open", "Open"
        COMPLETED = "completed", "Completed"
        EXPIRED = "expired", "Expired or replaced"

    public_id = PublicIdField("pur")
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="plan_checkouts")
    plan = models.ForeignKey(Plan, on_delete=models.PROTECT, related_name="+")
    interval = models.CharField(max_length=10, choices=Interval.choices)
    quantity = models.PositiveIntegerField(null=True, blank=True)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.OPEN)
    success_url = models.URLField(max_length=2000)
    cancel_url = models.URLField(max_length=2000)
    stripe_session_id = models.CharField(max_length=255, unique=True, null=True, blank=True)
    url = models.URLField(max_length=2000, blank=True)
    started_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField()

    objects = PlanCheckoutQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["organization"],
                condition=models.Q(status="open"),
                name="one_open_plan_checkout_per_organization",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.plan} for {self.organization}"


class PlanChangeQuerySet(models.QuerySet["PlanChange"]):
    def open(self) -> "PlanChangeQuerySet":
        return self.filter(status__in=PlanChange.OPEN)

    def scheduled(self) -> "PlanChangeQuerySet":
        return self.filter(status=PlanChange.Status.SCHEDULED)


class PlanChange(models.Model):
    """A change of plan, interval or quantity: now and invoiced, or at the renewal. At most one is under way."""

    class Timing(models.TextChoices):
        NOW = "now", "At once"
        RENEWAL = "renewal", "At the renewal"

    class Status(models.TextChoices):
        PENDING = "pending", "Being sent to Stripe"
        SCHEDULED = "scheduled", "Planned"
        APPLIED = "applied", "In force"
        CANCELLED = "cancelled", "Taken back"
        FAILED = "failed", "Refused"

    OPEN = (Status.PENDING, Status.SCHEDULED)

    subscription = models.ForeignKey(Subscription, on_delete=models.PROTECT, related_name="changes")
    from_plan = models.ForeignKey(Plan, on_delete=models.PROTECT, related_name="+")
    from_interval = models.CharField(max_length=10, choices=Interval.choices)
    from_quantity = models.PositiveIntegerField(null=True, blank=True)
    to_plan = models.ForeignKey(Plan, on_delete=models.PROTECT, related_name="+")
    to_interval = models.CharField(max_length=10, choices=Interval.choices)
    to_quantity = models.PositiveIntegerField(null=True, blank=True)
    timing = models.CharField(max_length=10, choices=Timing.choices)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.PENDING)
    effective_at = models.DateTimeField()
    amount_due = models.BigIntegerField(help_text="Minor units charged at once, as previewed.", default=0)
    currency = models.CharField(max_length=3)
    stripe_schedule_id = models.CharField(max_length=255, blank=True)
    failure = models.CharField(max_length=500, blank=True)
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    finished_at = models.DateTimeField(null=True, blank=True)

    objects = PlanChangeQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["subscription"],
                condition=models.Q(status__in=["pending", "scheduled"]),
                name="one_change_under_way_per_subscription",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.from_plan} → {self.to_plan} for {self.subscription.organization}"

    @property
    def idempotency_key(self) -> str:
        return f"plan-change:{self.pk}"

    @property
    def money_due(self) -> Money:
        return Money(self.amount_due, self.currency)
