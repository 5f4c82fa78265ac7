"""What credits count."""

from decimal import Decimal

from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q

from core.fields import QuantityField
from core.quantities import as_text

UNIT_CODE = RegexValidator(r"\A[a-z][a-z0-9_]*\Z", "Use lower-case letters, digits and underscores: storage_gb.")


class Unit(models.Model):
    """`sessions`, `storage_gb`, or a currency unit such as `usd` of which one credit is one dollar."""

    code = models.CharField(max_length=40, primary_key=True, validators=[UNIT_CODE])
    name = models.CharField(max_length=80, help_text="As people read it, such as US dollar credits.")
    currency = models.CharField(
        max_length=3,
        blank=True,
        default="",
        help_text="ISO code, for a unit that is money: one credit = one major unit.",
    )
    step = QuantityField(default=Decimal(1), help_text="Suggestions are rounded up to a multiple of this.")
    reserve_floor = QuantityField(default=Decimal(0), help_text="The least that is suggested to hold before a job.")

    class Meta:
        ordering = ["code"]
        constraints = [
            models.CheckConstraint(condition=Q(code__regex=r"^[a-z][a-z0-9_]*$"), name="unit_code_is_plain"),
            models.CheckConstraint(condition=~Q(name=""), name="unit_has_a_name"),
            models.CheckConstraint(
                condition=Q(currency="") | Q(currency__regex=r"^[a-z]{3}$"),
                name="unit_currency_is_a_lower_case_code",
            ),
            models.CheckConstraint(condition=Q(step__gt=0), name="unit_step_is_positive"),
            models.CheckConstraint(condition=Q(reserve_floor__gte=0), name="unit_reserve_floor_is_not_negative"),
        ]

    def __str__(self) -> str:
        return self.name

    def describe(self, amount: Decimal) -> str:
        """An amount with its unit, as people read it: `1,000 MAU`, `12.5 US dollar credits`."""
        return f"{Decimal(as_text(amount)):,f} {self.name}"
