"""Purchases: one row per attempt to buy, tying our records to Stripe's ids."""

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal

from django.conf import settings
from django.db import models
from django.db.models import Q, Sum
from django.urls import reverse

from accounts.models import Organization
from core.exact_json import ExactDecoder, ExactEncoder
from core.fields import QuantityField
from core.money import Money
from core.public_ids import PublicIdField
from credits.engine.refund_limits import credits_for
from credits.models.grants import CreditGrant
from credits.models.packs import CreditPack, Recurrence
from credits.models.units import Unit


class PurchaseQuerySet(models.QuerySet["Purchase"]):
    def of(self, organization: Organization) -> "PurchaseQuerySet":
        return self.filter(organization=organization)

    def waiting(self) -> "PurchaseQuerySet":
        """Begun and not ended: money may still come."""
        return self.filter(status__in=Purchase.WAITING)

    def named_by(self, metadata: Mapping[str, str]) -> "Purchase | None":
        """The purchase that an object of Stripe names in its metadata."""
        return self.filter(public_id=metadata.get("purchase", "")).first()

    def worth_a_look(self, *, at: dt.datetime) -> "PurchaseQuerySet":
        """Waiting for the bank, or begun within a day and not brought to a checkout page."""
        begun = Q(status=Purchase.Status.STARTED, created_at__gt=at - dt.timedelta(days=1))
        return self.filter(begun | Q(status=Purchase.Status.PROCESSING)).exclude(kind=Purchase.Kind.TOP_UP)


class Purchase(models.Model):
    """One attempt to buy: a pack, a gift card, or an automatic top-up.

    The row is committed before Stripe is called, and its `public_id` is the idempotency key of that call and the
    metadata by which every later object of Stripe finds its way back.
    """

    class Kind(models.TextChoices):
        PACK = "pack", "credit pack"
        GIFT_CARD = "gift_card", "gift card"
        TOP_UP = "top_up", "automatic top-up"

    class Status(models.TextChoices):
        STARTED = "started", "started"  # our row is there; the checkout page may not be
        OPEN = "open", "waiting for the customer"
        PROCESSING = "processing", "waiting for the bank"
        PAID = "paid", "paid"
        FAILED = "failed", "failed"
        CANCELLED = "cancelled", "cancelled"

    WAITING = (Status.STARTED, Status.OPEN, Status.PROCESSING)

    public_id = PublicIdField("pur")
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="purchases")
    kind = models.CharField(max_length=10, choices=Kind)
    status = models.CharField(max_length=10, choices=Status, default=Status.STARTED)
    pack = models.ForeignKey(CreditPack, on_delete=models.PROTECT, related_name="purchases", null=True, blank=True)
    pack_subscription = models.ForeignKey(
        "credits.PackSubscription", on_delete=models.PROTECT, related_name="purchases", null=True, blank=True
    )
    unit = models.ForeignKey(Unit, on_delete=models.PROTECT, related_name="+")
    credits = QuantityField()
    valid_days = models.PositiveIntegerField(help_text="As the pack said when it was bought; 0 means never.")
    amount = models.PositiveBigIntegerField(help_text="What was asked, in minor units of the currency.")
    currency = models.CharField(max_length=3)
    paid_amount = models.PositiveBigIntegerField(
        null=True, blank=True, help_text="What was paid, after promotion codes and with tax, in minor units."
    )
    attempt = models.CharField(
        max_length=64, blank=True, help_text="From the page's form: pressing its button twice is one attempt."
    )
    buyer = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, related_name="+", null=True, blank=True
    )
    resume = models.JSONField(
        null=True,
        blank=True,
        encoder=ExactEncoder,
        decoder=ExactDecoder,
        help_text="Given by the product; comes back in credits.granted.",
    )
    success_url = models.URLField(max_length=2000, blank=True)
    cancel_url = models.URLField(max_length=2000, blank=True)
    checkout_url = models.URLField(max_length=2000, blank=True)
    checkout_session = models.CharField(max_length=255, unique=True, null=True, blank=True)
    payment_intent = models.CharField(max_length=255, unique=True, null=True, blank=True)
    invoice_line = models.CharField(max_length=255, unique=True, null=True, blank=True)
    invoice = models.CharField(max_length=255, blank=True)
    charge = models.CharField(max_length=255, blank=True)
    receipt_url = models.URLField(max_length=2000, blank=True)
    failure = models.CharField(max_length=500, blank=True, help_text="Why it failed, in words for the customer.")
    created_at = models.DateTimeField()
    paid_at = models.DateTimeField(null=True, blank=True)
    grant = models.OneToOneField(CreditGrant, on_delete=models.PROTECT, related_name="purchase", null=True, blank=True)

    objects = PurchaseQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-pk"]
        indexes = [
            models.Index(fields=["organization", "-created_at"], name="purchase_by_organization"),
            models.Index(fields=["charge"], name="purchase_by_charge", condition=~Q(charge="")),
            models.Index(fields=["paid_at"], name="purchase_by_paid_at", condition=Q(paid_at__isnull=False)),
        ]
        constraints = [
            models.CheckConstraint(name="purchase_credits_are_positive", condition=Q(credits__gt=0)),
            models.CheckConstraint(name="purchase_amount_is_positive", condition=Q(amount__gt=0)),
            models.CheckConstraint(
                name="purchase_is_paid_when_it_says_so",
                condition=Q(status="paid", paid_at__isnull=False, paid_amount__isnull=False)
                | (~Q(status="paid") & Q(paid_at__isnull=True, paid_amount__isnull=True)),
            ),
            models.UniqueConstraint(
                name="one_purchase_per_attempt", fields=["organization", "attempt"], condition=~Q(attempt="")
            ),
            models.UniqueConstraint(
                name="one_open_top_up_per_wallet",
                fields=["organization", "unit"],
                condition=Q(kind="top_up", status__in=("started", "open", "processing")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.title} · {self.money}"

    def get_absolute_url(self) -> str:
        return reverse("credits:purchase", args=[self.organization.public_id, self.public_id])

    @property
    def page_url(self) -> str:
        """The absolute address of the portal's page about it: where emails and Stripe's checkout lead."""
        return f"{settings.PORTAL_URL}{self.get_absolute_url()}"

    @property
    def stripe_metadata(self) -> dict[str, str]:
        """By which objects at Stripe name this row; `named_by` reads it."""
        return {"purchase": self.public_id, "organization": self.organization.public_id}

    @property
    def title(self) -> str:
        """What was bought, in the customer's words."""
        bought = self.unit.describe(self.credits)
        return f"Gift card, {bought}" if self.kind == self.Kind.GIFT_CARD else bought

    @property
    def money(self) -> Money:
        return Money(self.amount, self.currency)

    @property
    def paid(self) -> Money | None:
        """What was paid; None while nothing is."""
        return None if self.paid_amount is None else Money(self.paid_amount, self.currency)

    @property
    def is_waiting(self) -> bool:
        return self.status in self.WAITING

    @property
    def continue_url(self) -> str:
        """Where the buyer goes on: to the checkout page while it waits for them, else to our page about it."""
        return self.checkout_url if self.status == self.Status.OPEN else self.get_absolute_url()

    @property
    def credited(self) -> CreditGrant | None:
        """The grant that its money became: its own, or that of the redeemed card."""
        return self.gift_card.grant if self.kind == self.Kind.GIFT_CARD else self.grant

    @property
    def returned(self) -> int:
        """Minor units that went back so far: by refunds that did not fail, and by lost disputes."""
        ways = (self.refunds.counted(), self.disputes.lost())
        return sum(way.aggregate(total=Sum("amount"))["total"] or 0 for way in ways)

    def credits_returned_with(self, amount: int) -> Decimal:
        """How many credits go back with `amount` minor units, beside what went back before: never more than issued."""
        return credits_for(amount, before=self.returned, amount=self.credits, paid=self.paid_amount or 0)


class PackSubscriptionQuerySet(models.QuerySet["PackSubscription"]):
    def live(self) -> "PackSubscriptionQuerySet":
        return self.exclude(status__in=("canceled", "incomplete_expired"))


class PackSubscription(models.Model):
    """A recurring pack: a Stripe subscription of its own, which grants per paid invoice line."""

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="pack_subscriptions")
    pack = models.ForeignKey(CreditPack, on_delete=models.PROTECT, related_name="subscriptions")
    stripe_subscription = models.CharField(max_length=255, unique=True)
    status = models.CharField(max_length=20, help_text="As Stripe says it: active, past_due, canceled, …")
    interval = models.CharField(max_length=5, choices=Recurrence)
    current_period_end = models.DateTimeField(null=True, blank=True)
    cancel_at_period_end = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = PackSubscriptionQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.pack}, every {self.interval}"
