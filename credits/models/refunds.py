"""Money going back: refunds that we or Stripe began, and disputes."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from core.fields import QuantityField
from core.money import Money
from core.public_ids import PublicIdField
from credits.models.purchases import Purchase


class RefundQuerySet(models.QuerySet["Refund"]):
    def counted(self) -> "RefundQuerySet":
        """Those whose money is gone or on its way: all that did not fail."""
        return self.filter(status__in=Refund.COUNTED)


class Refund(models.Model):
    """Money of one purchase given back, and the credits taken back with it.

    Begun in the admin (our row is committed, then Stripe is asked, with `public_id` as the idempotency key) or at
    Stripe (the row is made when its event arrives). `credits` were taken by the posting `reference`; a refund that
    fails later gives them back.
    """

    class Status(models.TextChoices):
        STARTED = "started", "being sent"  # our row and the credits are done; Stripe may not know yet
        PENDING = "pending", "under way"
        SUCCEEDED = "succeeded", "done"
        FAILED = "failed", "failed"

    COUNTED = (Status.STARTED, Status.PENDING, Status.SUCCEEDED)

    public_id = PublicIdField("ref")
    purchase = models.ForeignKey(Purchase, on_delete=models.PROTECT, related_name="refunds")
    status = models.CharField(max_length=10, choices=Status, default=Status.STARTED)
    amount = models.PositiveBigIntegerField(help_text="In minor units of the purchase's currency.")
    credits = QuantityField(help_text="Asked back: what the grant no longer had became debt, or was forgiven.")
    forgiven = models.BooleanField(default=False, help_text="The part already spent is not owed.")
    reason = models.CharField(max_length=500, blank=True)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", null=True, blank=True
    )
    attempt = models.CharField(
        max_length=64, blank=True, help_text="From the admin's form: a double click is one refund."
    )
    stripe_refund = models.CharField(max_length=255, unique=True, null=True, blank=True)
    failure = models.CharField(max_length=500, blank=True)
    created_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)

    objects = RefundQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-pk"]
        permissions = [
            ("refund_purchase", "Can refund the unspent share of purchases"),
            ("refund_beyond_unspent", "Can refund more than the unspent share"),
        ]
        constraints = [
            models.CheckConstraint(name="refund_amount_is_positive", condition=Q(amount__gt=0)),
            models.CheckConstraint(name="refund_credits_are_not_negative", condition=Q(credits__gte=0)),
            models.UniqueConstraint(
                name="one_refund_per_attempt", fields=["purchase", "attempt"], condition=~Q(attempt="")
            ),
        ]

    def __str__(self) -> str:
        return f"Refund of {self.money} · {self.get_status_display()}"

    @property
    def money(self) -> Money:
        return Money(self.amount, self.purchase.currency)

    @property
    def reference(self) -> str:
        """Of the posting that took the credits back."""
        return f"refund:{self.public_id}"


class DisputeQuerySet(models.QuerySet["Dispute"]):
    def open(self) -> "DisputeQuerySet":
        """Those the bank has still to decide."""
        return self.filter(status=Dispute.Status.OPEN)

    def lost(self) -> "DisputeQuerySet":
        """Those whose money is gone for good."""
        return self.filter(status=Dispute.Status.LOST)


class Dispute(models.Model):
    """A customer's bank asks the money of a purchase back. Its grant is frozen until the bank decides."""

    class Status(models.TextChoices):
        OPEN = "open", "open"
        WON = "won", "won"
        LOST = "lost", "lost"

    purchase = models.ForeignKey(Purchase, on_delete=models.PROTECT, related_name="disputes")
    stripe_dispute = models.CharField(max_length=255, unique=True)
    status = models.CharField(max_length=10, choices=Status, default=Status.OPEN)
    stripe_status = models.CharField(max_length=40, help_text="As Stripe says it.")
    amount = models.PositiveBigIntegerField(help_text="In minor units of the purchase's currency.")
    reason = models.CharField(max_length=80, blank=True, help_text="As the bank says it.")
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True, blank=True)

    objects = DisputeQuerySet.as_manager()

    class Meta:
        ordering = ["-opened_at", "-pk"]

    def __str__(self) -> str:
        return f"Dispute about {self.money} · {self.get_status_display()}"

    @property
    def money(self) -> Money:
        return Money(self.amount, self.purchase.currency)
