"""Gift cards: codes worth credits, redeemed once."""

import datetime as dt
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Count, Q, Sum

from accounts.models import Organization
from core.fields import QuantityField
from core.public_ids import PublicIdField
from credits.models.grants import CreditGrant
from credits.models.purchases import Purchase
from credits.models.units import Unit


class GiftCardQuerySet(models.QuerySet["GiftCard"]):
    def open(self, *, at: dt.datetime) -> "GiftCardQuerySet":
        """Neither redeemed, voided nor expired at `at` (at the instant itself a card is expired)."""
        alive = Q(expires_at=None) | Q(expires_at__gt=at)
        return self.filter(alive, redeemed_at=None, voided_at=None)

    def redeemable(self, *, at: dt.datetime) -> "GiftCardQuerySet":
        """Open, and not bought with a payment that is disputed at present."""
        return self.open(at=at).exclude(purchase__disputes__status="open")

    def per_unit(self) -> models.QuerySet["GiftCard", Any]:
        """What these cards are worth: `unit`, `unit__name`, `total`, `cards`."""
        units = self.order_by().values("unit", "unit__name")
        return units.annotate(total=Sum("amount"), cards=Count("pk")).order_by("unit")


class GiftCard(models.Model):
    """A code worth credits of one unit. The code is shown once; what stays is its hash and its last four letters.

    Made by staff (with `batch` naming those made together) or bought (`purchase`); it becomes one grant, valid for
    `valid_days` from its redemption.
    """

    public_id = PublicIdField("gift")
    code_hash = models.CharField(max_length=64, unique=True, editable=False)
    last_four = models.CharField(max_length=4, editable=False)
    name = models.CharField(max_length=120, help_text="Shown to whoever redeems it, such as “Compensation for a bug”.")
    batch = models.CharField(max_length=40, blank=True, db_index=True, editable=False)
    unit = models.ForeignKey(Unit, on_delete=models.PROTECT, related_name="gift_cards")
    amount = QuantityField(help_text="In credits of the unit.")
    valid_days = models.PositiveIntegerField(default=365, help_text="Of the credits, once redeemed; 0 means never.")
    expires_at = models.DateTimeField(
        null=True, blank=True, help_text="Until when the card can be redeemed (UTC); empty: for ever."
    )
    purchase = models.OneToOneField(
        Purchase, on_delete=models.PROTECT, related_name="gift_card", null=True, blank=True, editable=False
    )
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", null=True, blank=True, editable=False
    )
    created_at = models.DateTimeField(editable=False)
    redeemed_by = models.ForeignKey(
        Organization, on_delete=models.PROTECT, related_name="gift_cards", null=True, blank=True, editable=False
    )
    redeemed_at = models.DateTimeField(null=True, blank=True, editable=False)
    grant = models.OneToOneField(
        CreditGrant, on_delete=models.PROTECT, related_name="gift_card", null=True, blank=True, editable=False
    )
    voided_at = models.DateTimeField(null=True, blank=True, editable=False)
    void_reason = models.CharField(max_length=500, blank=True, editable=False)

    objects = GiftCardQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-pk"]
        permissions = [("issue_giftcard", "Can make gift cards"), ("void_giftcard", "Can void gift cards")]
        constraints = [
            models.CheckConstraint(
                name="gift_card_amount_is_positive",
                condition=Q(amount__gt=0),
                violation_error_message="A card is worth more than zero credits.",
            ),
            models.CheckConstraint(
                name="gift_card_is_redeemed_once_into_a_grant",
                condition=Q(redeemed_at__isnull=True, redeemed_by__isnull=True, grant__isnull=True)
                | Q(redeemed_at__isnull=False, redeemed_by__isnull=False, grant__isnull=False),
            ),
            models.CheckConstraint(
                name="gift_card_is_redeemed_or_voided",
                condition=Q(redeemed_at__isnull=True) | Q(voided_at__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} · …{self.last_four}"

    @property
    def worth(self) -> str:
        return self.unit.describe(self.amount)

    def status(self, *, at: dt.datetime) -> str:
        """redeemed, void, expired or open."""
        if self.redeemed_at is not None:
            return "redeemed"
        if self.voided_at is not None:
            return "void"
        return "expired" if self.expires_at is not None and self.expires_at <= at else "open"


class GiftCardOrder(models.Model):
    """For whom a bought card is: filled in before paying, sent when the money is there."""

    purchase = models.OneToOneField(Purchase, on_delete=models.PROTECT, related_name="gift_card_order")
    recipient = models.EmailField(help_text="To whom the code is sent.")
    message = models.TextField(max_length=1000, blank=True)
    sender = models.CharField(max_length=120, blank=True, help_text="As the recipient knows the giver.")

    def __str__(self) -> str:
        return f"Gift card for {self.recipient}"
