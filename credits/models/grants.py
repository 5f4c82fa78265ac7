"""Lots of credits: where they came from, what is left of them, and until when."""

from datetime import datetime

from django.conf import settings
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.db.models.lookups import GreaterThan, IsNull

from core.fields import QuantityField
from core.money import Money
from core.public_ids import PublicIdField
from credits.engine.burn_order import DEFAULT_PRIORITY, Lot
from credits.engine.refund_limits import Refundable, refundable
from credits.models.protection import LedgerKeeps
from credits.models.wallets import Wallet


class CreditGrantQuerySet(models.QuerySet["CreditGrant"]):
    def live(self, *, at: datetime) -> "CreditGrantQuerySet":
        """With something left in them and not lapsed at `at`; frozen ones included, whose time stands still."""
        lives = Q(expires_at__isnull=True) | Q(expires_at__gt=at) | Q(frozen_at__isnull=False)
        return self.filter(lives, is_open=True)

    def spendable(self, *, at: datetime) -> "CreditGrantQuerySet":
        """Which a draw at `at` may use: live, not frozen, and not wholly held."""
        return self.live(at=at).filter(frozen_at__isnull=True, remaining__gt=F("held"))

    def due(self, *, at: datetime) -> "CreditGrantQuerySet":
        """Lapsed at `at`, with something free left in them to post as expired."""
        return self.filter(is_open=True, frozen_at__isnull=True, expires_at__lte=at, remaining__gt=F("held"))

    def in_burn_order(self) -> "CreditGrantQuerySet":
        """Lower priority, then earliest expiry (never last), then free before paid, then oldest."""
        return self.order_by("priority", F("expires_at").asc(nulls_last=True), "is_paid", "created_at", "id")


class CreditGrant(LedgerKeeps):
    """A lot in a wallet. `remaining` includes `held`; what a draw may use is `free`.

    A frozen grant (disputed) cannot be spent, and its life stands still until it is thawed.
    """

    ledger_fields = frozenset({"remaining", "held", "expires_at", "frozen_at"})

    class Source(models.TextChoices):
        PURCHASE = "purchase", "Purchase"
        GIFT_CARD = "gift_card", "Gift card"
        STAFF = "staff", "Granted by staff"
        API = "api", "Granted by the product"

    public_id = PublicIdField("grant")
    wallet = models.ForeignKey(Wallet, on_delete=models.PROTECT, related_name="grants")
    amount = QuantityField()
    remaining = QuantityField(editable=False)
    held = QuantityField(default=0, editable=False)
    is_open = models.GeneratedField(
        expression=GreaterThan(F("remaining"), 0), output_field=models.BooleanField(), db_persist=True
    )
    priority = models.SmallIntegerField(
        default=DEFAULT_PRIORITY, validators=[MinValueValidator(0)], help_text="Lower is spent first."
    )
    expires_at = models.DateTimeField(null=True, blank=True, help_text="UTC; empty: never.")
    frozen_at = models.DateTimeField(null=True, blank=True, editable=False)
    paid_amount = models.BigIntegerField(null=True, blank=True, editable=False, help_text="Minor units; empty: free.")
    paid_currency = models.CharField(max_length=3, blank=True, default="", editable=False)
    is_paid = models.GeneratedField(
        expression=IsNull(F("paid_amount"), False), output_field=models.BooleanField(), db_persist=True
    )
    source = models.CharField(max_length=20, choices=Source.choices)
    reason = models.CharField(max_length=500, blank=True, default="")
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    created_at = models.DateTimeField(editable=False)

    objects = CreditGrantQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-id"]
        constraints = [
            models.CheckConstraint(condition=Q(amount__gt=0), name="grant_amount_is_positive"),
            models.CheckConstraint(
                condition=Q(held__gte=0, held__lte=F("remaining")), name="grant_holds_no_more_than_remains"
            ),
            models.CheckConstraint(condition=Q(priority__gte=0), name="grant_priority_is_not_negative"),
            models.CheckConstraint(
                condition=Q(paid_amount__isnull=True, paid_currency="") | Q(paid_amount__gt=0) & ~Q(paid_currency=""),
                name="grant_is_free_or_has_a_price",
            ),
        ]
        indexes = [
            # The walk of a draw. `is_open` stands in the condition instead of `remaining > held` because it seldom
            # changes: a draw that empties nothing then touches no index (a heap-only update).
            models.Index(
                "wallet",
                "priority",
                F("expires_at").asc(nulls_last=True),
                "is_paid",
                "created_at",
                "id",
                condition=Q(is_open=True),
                name="grant_burn_order",
            ),
            models.Index("expires_at", condition=Q(is_open=True, expires_at__isnull=False), name="grant_due"),
        ]

    def __str__(self) -> str:
        return self.public_id

    @property
    def paid(self) -> Money | None:
        return None if self.paid_amount is None else Money(self.paid_amount, self.paid_currency)

    def as_lot(self) -> Lot:
        """The value that the pure engine works on."""
        return Lot(
            id=self.pk,
            public_id=self.public_id,
            priority=self.priority,
            expires_at=self.expires_at,
            paid=self.paid_amount is not None,
            created_at=self.created_at,
            remaining=self.remaining,
            held=self.held,
            frozen_at=self.frozen_at,
        )

    def refundable(self, *, at: datetime) -> Refundable:
        """The unspent, unheld share at `at` and its part of the price; nothing when it has lapsed or was free."""
        return refundable(self.as_lot(), amount=self.amount, paid=self.paid_amount or 0, at=at)
