"""Dunning: invoices of renewals that were not paid, and the steps taken since."""

from datetime import datetime, timedelta

from django.db import models
from django.utils import timezone

from accounts.models import Organization
from core.money import Money
from credits.models import PackSubscription
from plans.models.subscriptions import Subscription

SUSPENDED_AFTER = timedelta(days=14)


class DunningCaseQuerySet(models.QuerySet["DunningCase"]):
    def open(self) -> "DunningCaseQuerySet":
        return self.filter(state=DunningCase.State.OPEN)

    def due_for_suspension(self, *, at: datetime) -> "DunningCaseQuerySet":
        return (
            self.open()
            .filter(subscription__isnull=False, first_failed_at__lte=at - SUSPENDED_AFTER)
            .exclude(steps__kind=DunningStep.Kind.SUSPEND)
            .order_by("first_failed_at", "id")
        )


class DunningCase(models.Model):
    """One invoice of a plan's subscription, or of a recurring pack, that could not be collected. Stripe retries; we
    follow, and never cancel there.
    """

    class State(models.TextChoices):
        OPEN = "open", "Open"
        PAID = "paid", "Paid"
        CLOSED = "closed", "Not owed any more"

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="dunning_cases")
    subscription = models.ForeignKey(
        Subscription, on_delete=models.PROTECT, null=True, blank=True, related_name="dunning_cases"
    )
    pack_subscription = models.ForeignKey(
        PackSubscription,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="dunning_cases",
        verbose_name="recurring pack",
    )
    stripe_invoice_id = models.CharField("Stripe invoice", max_length=255, unique=True)
    invoice_number = models.CharField(max_length=100, blank=True)
    hosted_invoice_url = models.URLField(max_length=2000, blank=True)
    amount_due = models.BigIntegerField(help_text="Minor units.")
    currency = models.CharField(max_length=3)
    attempts = models.PositiveSmallIntegerField(default=0)
    state = models.CharField(max_length=10, choices=State.choices, default=State.OPEN)
    first_failed_at = models.DateTimeField()
    next_attempt_at = models.DateTimeField(null=True, blank=True, help_text="When Stripe tries again.")
    resolved_at = models.DateTimeField(null=True, blank=True)

    objects = DunningCaseQuerySet.as_manager()

    class Meta:
        ordering = ["-first_failed_at", "-id"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(subscription__isnull=False, pack_subscription=None)
                | models.Q(subscription=None, pack_subscription__isnull=False),
                name="dunning_case_is_of_a_plan_or_of_a_pack",
            ),
            models.CheckConstraint(
                condition=models.Q(state="open", resolved_at=None)
                | (~models.Q(state="open") & models.Q(resolved_at__isnull=False)),
                name="only_a_resolved_dunning_case_says_when",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.invoice_number or self.stripe_invoice_id}: {self.money}"

    @property
    def money(self) -> Money:
        return Money(self.amount_due, self.currency)

    @property
    def what(self) -> str:
        """What is not paid for: a plan or a pack."""
        return str(self.subscription.plan if self.subscription else self.pack_subscription)

    @property
    def suspends_at(self) -> datetime | None:
        """None for a pack: it suspends nothing."""
        return self.first_failed_at + SUSPENDED_AFTER if self.subscription else None

    @property
    def next_step(self) -> str:
        """What happens next, and when, in words."""
        if self.resolved_at:
            return f"{self.get_state_display()} on {_when(self.resolved_at)}."
        if self.subscription and self.subscription.dunning_status == Subscription.DunningStatus.SUSPENDED:
            return "Suspended until it is paid."
        retry = (
            f"Stripe tries again on {_when(self.next_attempt_at)}" if self.next_attempt_at else "Stripe has given up"
        )
        if self.suspends_at is None:
            return f"{retry}. No credits until it is paid."
        then = {1: "; if that fails, the customer is written to", 2: "; if that fails, it is set back to free"}
        return f"{retry}{then.get(self.attempts, '')}. Suspended on {_when(self.suspends_at)}."


def _when(moment: datetime) -> str:
    return f"{moment:%-d %b %Y, %H:%M} UTC"


class DunningStep(models.Model):
    """What an attempt led to; each (invoice, attempt) once. The suspension is not an attempt: it comes with time."""

    class Kind(models.TextChoices):
        RETRY = "retry", "Stripe tries again"
        EMAIL = "email", "Customer written to"
        DOWNGRADE = "downgrade", "Set back to free"
        SUSPEND = "suspend", "Suspended"

    case = models.ForeignKey(DunningCase, on_delete=models.CASCADE, related_name="steps")
    attempt = models.PositiveSmallIntegerField(null=True, blank=True)
    kind = models.CharField(max_length=10, choices=Kind.choices)
    taken_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["case", "id"]
        constraints = [
            models.UniqueConstraint(fields=["case", "attempt"], name="one_dunning_step_per_invoice_and_attempt"),
            models.UniqueConstraint(
                fields=["case"], condition=models.Q(kind="suspend"), name="a_dunning_case_suspends_once"
            ),
            models.CheckConstraint(
                condition=models.Q(kind="suspend", attempt=None) | models.Q(attempt__gte=1),
                name="only_a_suspension_is_no_attempt",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} ({self.case})"
