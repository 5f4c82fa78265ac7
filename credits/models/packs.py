"""Credit packs: what is sold."""

from decimal import Decimal

from django.db import models
from django.db.models import Exists, F, OuterRef, Q, Value
from django.db.models.functions import Concat

from core.fields import QuantityField
from core.money import Money
from credits.models.units import Unit
from payments.models import CatalogueEntry


class Recurrence(models.TextChoices):
    ONCE = "", "once"
    MONTH = "month", "every month"
    YEAR = "year", "every year"


class CreditPackQuerySet(models.QuerySet["CreditPack"]):
    def on_sale(self) -> "CreditPackQuerySet":
        """Not retired and brought to Stripe (`sync_catalog`), in the order of the pricing page."""
        at_stripe = CatalogueEntry.objects.current().filter(
            kind=CatalogueEntry.Kind.PRICE, code=Concat(Value("pack:"), OuterRef("code")), stripe_id__isnull=False
        )
        return (
            self.filter(Exists(at_stripe), retired_at=None)
            .select_related("unit")
            .order_by("unit__code", "position", "price", "code")
        )


class CreditPack(models.Model):
    """So many credits of a unit for a price, once or recurring; or an open amount between a minimum and a maximum.

    `price`, `open_minimum` and `open_maximum` are in minor units of `currency`. An open amount is sold at face value:
    its unit's currency is the currency paid, and one credit is one major unit of it.
    """

    code = models.SlugField(max_length=64, unique=True)
    name = models.CharField(max_length=120, blank=True, help_text="Empty: credits and unit, such as “1,000 MAU”.")
    unit = models.ForeignKey(Unit, on_delete=models.PROTECT, related_name="packs")
    credits = QuantityField(null=True, blank=True, help_text="Empty for an open amount.")
    price = models.PositiveBigIntegerField(null=True, blank=True, help_text="In minor units, such as cents.")
    currency = models.CharField(max_length=3, help_text="ISO code in lower case, such as usd.")
    open_minimum = models.PositiveBigIntegerField(null=True, blank=True, help_text="In minor units.")
    open_maximum = models.PositiveBigIntegerField(null=True, blank=True, help_text="In minor units.")
    valid_days = models.PositiveIntegerField(default=365, help_text="Days until the credits expire; 0 means never.")
    recurring = models.CharField(max_length=5, choices=Recurrence, blank=True, default=Recurrence.ONCE)
    position = models.PositiveSmallIntegerField(default=0, help_text="Smaller ones stand first.")
    retired_at = models.DateTimeField(null=True, blank=True, help_text="Retired packs are no longer sold.")
    created_at = models.DateTimeField(auto_now_add=True)

    objects = CreditPackQuerySet.as_manager()

    class Meta:
        ordering = ["unit", "position", "price"]
        constraints = [
            models.CheckConstraint(
                name="pack_is_either_fixed_or_open",
                condition=Q(
                    credits__isnull=False, price__isnull=False, open_minimum__isnull=True, open_maximum__isnull=True
                )
                | Q(credits__isnull=True, price__isnull=True, open_minimum__isnull=False, open_maximum__isnull=False),
                violation_error_message="Give credits and a price, or a minimum and a maximum for an open amount.",
            ),
            models.CheckConstraint(
                name="pack_credits_are_positive",
                condition=Q(credits__isnull=True) | Q(credits__gt=0),
                violation_error_message="A pack holds more than zero credits.",
            ),
            models.CheckConstraint(
                name="pack_price_is_positive",
                condition=Q(price__isnull=True) | Q(price__gt=0),
                violation_error_message="A pack costs more than nothing; grant credits to give them away.",
            ),
            models.CheckConstraint(
                name="pack_open_range_is_ordered",
                condition=Q(open_minimum__isnull=True) | Q(open_minimum__gt=0, open_maximum__gte=F("open_minimum")),
                violation_error_message="The minimum is more than zero and not above the maximum.",
            ),
            models.CheckConstraint(
                name="pack_open_amount_is_bought_once",
                condition=Q(open_minimum__isnull=True) | Q(recurring=""),
                violation_error_message="An open amount cannot recur.",
            ),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def title(self) -> str:
        """What pages and receipts call it."""
        if self.name:
            return self.name
        if self.credits is None:
            return f"{self.unit.name}, any amount"
        return self.unit.describe(self.credits)

    @property
    def is_open(self) -> bool:
        return self.open_minimum is not None

    @property
    def money(self) -> Money | None:
        """The fixed price; None for an open amount."""
        return None if self.price is None else Money(self.price, self.currency)

    @property
    def lookup_key(self) -> str:
        """Under which Stripe knows the price in force."""
        return f"pack:{self.code}"

    def credits_for(self, paid: Money) -> Decimal:
        """What a payment of `paid` buys."""
        return paid.major if self.credits is None else self.credits
