"""What can be subscribed to."""

from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator
from django.db import models

from accounts.models import Organization
from core.fields import QuantityField
from core.money import Money
from plans.engine.commitments import Bounds
from plans.fields import LadderField
from plans.models.meters import Meter
from plans.validators import code_validator


class Interval(models.TextChoices):
    MONTH = "month", "Monthly"
    YEAR = "year", "Annual"


class PlanQuerySet(models.QuerySet["Plan"]):
    def offered_to(self, organization: Organization | None) -> "PlanQuerySet":
        """What may be subscribed to anew: public plans, and those private to this organization."""
        visible = models.Q(public=True, private_to=None)
        if organization is not None:
            visible |= models.Q(private_to=organization)
        return self.filter(visible, retired=False)

    def for_pricing(self) -> "PlanQuerySet":
        """With all that a page about plans shows, in few queries."""
        return self.prefetch_related("prices", "allowances__meter", "commitment__meter").order_by("position", "id")

    def for_terms(self) -> "PlanQuerySet":
        """With all that decides about usage."""
        return self.prefetch_related(
            "prices", "allowances__meter__credit_rates", "commitment__meter__credit_rates"
        ).order_by("id")


class Plan(models.Model):
    """Retired plans take no new subscribers and keep those they have. Exactly one plan is the default."""

    code = models.CharField(max_length=60, unique=True, validators=[code_validator])
    name = models.CharField(max_length=120)
    description = models.CharField(max_length=200, blank=True)
    is_default = models.BooleanField(
        "default", default=False, help_text="What an organization without a paid plan is on. Exactly one plan is."
    )
    public = models.BooleanField(default=True, help_text="Shown on the pricing page.")
    private_to = models.ForeignKey(
        Organization,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="private_plans",
        help_text="Offered to this organization only, and not on the public pricing page.",
    )
    retired = models.BooleanField(default=False, help_text="Not sold any more; its subscribers keep it.")
    trial_days = models.PositiveSmallIntegerField(default=0)
    features = ArrayField(models.CharField(max_length=120), default=list, blank=True)
    support_level = models.CharField(max_length=120, blank=True)
    sla = models.CharField("SLA", max_length=120, blank=True)
    position = models.PositiveSmallIntegerField(default=0, help_text="Lower ones come first on the pricing page.")

    objects = PlanQuerySet.as_manager()

    class Meta:
        ordering = ["position", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["is_default"], condition=models.Q(is_default=True), name="only_one_plan_is_the_default"
            ),
            models.CheckConstraint(
                condition=~models.Q(is_default=True) | models.Q(retired=False, private_to=None),
                name="the_default_plan_is_for_everyone",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def currency(self) -> str | None:
        """All prices of a plan share one; None for a plan without prices."""
        return next((price.currency for price in self.prices.all()), None)

    def price(self, interval: str, component: str = "base") -> "PlanPrice | None":
        return next((p for p in self.prices.all() if p.interval == interval and p.component == component), None)

    @property
    def intervals(self) -> list[str]:
        """Those it can be subscribed to in, monthly first."""
        sold = {price.interval for price in self.prices.all()}
        return [interval for interval in Interval.values if interval in sold]

    @property
    def has_commitment(self) -> bool:
        return hasattr(self, "commitment")


class PlanPrice(models.Model):
    """The present price of one component per interval. Metered components are priced by the allowances' ladders.

    Stripe's prices are immutable: a new amount becomes a new price there, and who subscribed before keeps the old one.
    """

    class Component(models.TextChoices):
        BASE = "base", "The plan itself"
        QUANTITY = "quantity", "One of the committed quantity"

    plan = models.ForeignKey(Plan, on_delete=models.CASCADE, related_name="prices")
    interval = models.CharField(max_length=10, choices=Interval.choices)
    component = models.CharField(max_length=10, choices=Component.choices, default=Component.BASE)
    amount = models.PositiveBigIntegerField(help_text="Minor units: 2900 is $29.00.")
    currency = models.CharField(max_length=3, default="usd")

    class Meta:
        ordering = ["plan", "component", "interval"]
        constraints = [
            models.UniqueConstraint(
                fields=["plan", "interval", "component"], name="one_price_per_plan_interval_and_component"
            ),
            models.CheckConstraint(
                condition=models.Q(interval__in=["month", "year"], component__in=["base", "quantity"]),
                name="plan_price_interval_and_component_are_known",
            ),
            models.CheckConstraint(condition=models.Q(currency__regex=r"^[a-z]{3}$"), name="plan_price_has_a_currency"),
        ]

    def __str__(self) -> str:
        return f"{self.money} per {self.interval}"

    @property
    def money(self) -> Money:
        return Money(self.amount, self.currency)


class Allowance(models.Model):
    """What a plan includes of a meter per window, and what happens beyond it."""

    class Beyond(models.TextChoices):
        BLOCK = "block", "Refuse"
        CREDITS = "credits", "Credits"
        BILL = "bill", "Bill later"
        CREDITS_THEN_BILL = "credits_then_bill", "Credits, then bill later"

    plan = models.ForeignKey(Plan, on_delete=models.CASCADE, related_name="allowances")
    meter = models.ForeignKey(Meter, on_delete=models.PROTECT, related_name="allowances")
    included = QuantityField(null=True, blank=True, help_text="Per window; empty: unlimited.")
    beyond = models.CharField(max_length=20, choices=Beyond.choices, default=Beyond.CREDITS)
    bill_ladder = LadderField(null=True, blank=True, help_text="Money per unit, in major units of the plan's currency.")
    cap_amount = models.PositiveBigIntegerField(
        "monthly cap", null=True, blank=True, help_text="Minor units: the most that is billed per window."
    )
    concurrency = models.PositiveIntegerField(null=True, blank=True, help_text="Open usage holds at a time.")

    class Meta:
        ordering = ["plan", "id"]
        constraints = [
            models.UniqueConstraint(fields=["plan", "meter"], name="one_allowance_per_plan_and_meter"),
            models.CheckConstraint(
                condition=models.Q(included=None) | models.Q(included__gte=0), name="allowance_is_not_negative"
            ),
            models.CheckConstraint(
                condition=models.Q(beyond__in=["block", "credits"], bill_ladder=None, cap_amount=None)
                | models.Q(beyond__in=["bill", "credits_then_bill"], bill_ladder__isnull=False),
                name="only_billed_allowances_have_a_bill_ladder",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.meter} in {self.plan}"

    @property
    def is_billed(self) -> bool:
        return self.beyond in (self.Beyond.BILL, self.Beyond.CREDITS_THEN_BILL)

    def clean(self) -> None:
        if self.is_billed and self.bill_ladder is None:
            raise ValidationError({"bill_ladder": "Say what one costs: usage beyond what is included is billed."})
        if not self.is_billed and self.bill_ladder is not None:
            raise ValidationError({"bill_ladder": "Nothing is billed under this policy: leave the price empty."})
        if not self.is_billed and self.cap_amount is not None:
            raise ValidationError({"cap_amount": "Nothing is billed under this policy: leave the cap empty."})


class Commitment(models.Model):
    """The quantity a customer buys ahead, counted by a meter; the quantity prices of the plan say what one costs."""

    class Beyond(models.TextChoices):
        BLOCK = "block", "Refuse, offering the next bundle"
        ON_DEMAND = "on_demand", "Monthly, on demand"

    plan = models.OneToOneField(Plan, on_delete=models.CASCADE, related_name="commitment")
    meter = models.ForeignKey(Meter, on_delete=models.PROTECT, related_name="commitments")
    minimum = models.PositiveIntegerField(default=1, validators=[MinValueValidator(1)])
    bundle = models.PositiveIntegerField(default=1, validators=[MinValueValidator(1)], help_text="Sold in steps of.")
    maximum = models.PositiveIntegerField(null=True, blank=True, help_text="Empty: no end.")
    beyond = models.CharField(max_length=10, choices=Beyond.choices, default=Beyond.BLOCK)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(minimum__gte=1, bundle__gte=1), name="commitment_steps_are_at_least_one"
            ),
            models.CheckConstraint(
                condition=models.Q(maximum=None) | models.Q(maximum__gte=models.F("minimum")),
                name="commitment_maximum_is_not_below_the_minimum",
            ),
            models.CheckConstraint(
                condition=models.Q(beyond__in=["block", "on_demand"]), name="commitment_policy_is_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.meter} of {self.plan}"

    @property
    def bounds(self) -> Bounds:
        return Bounds(self.minimum, self.bundle, self.maximum)

    def clean(self) -> None:
        if self.maximum is not None and self.maximum < self.minimum:
            raise ValidationError({"maximum": "The maximum may not lie below the minimum."})


class PlanRevision(models.Model):
    """A plan's terms from an instant on: written by `services.plan_revisions.publish_terms` whenever the catalogue
    changes.

    Rows are never changed, so that usage is priced by the terms of its own time, however late it is settled.
    """

    plan = models.ForeignKey(Plan, on_delete=models.CASCADE, related_name="revisions")
    effective_at = models.DateTimeField()
    content = models.JSONField()

    class Meta:
        ordering = ["plan", "effective_at", "id"]

    def __str__(self) -> str:
        return f"{self.plan.code} from {self.effective_at:%Y-%m-%d %H:%M} UTC"
