"""What of our catalogue is at Stripe, and under which id."""

import uuid

from django.db import models


class CatalogueEntryQuerySet(models.QuerySet["CatalogueEntry"]):
    def current(self) -> "CatalogueEntryQuerySet":
        return self.filter(superseded_at=None)


class CatalogueEntry(models.Model):
    """A product, price, feature or meter at Stripe. Prices never change there: a new amount is a new entry, and the old
    one stays, superseded, for those who subscribed to it.

    `fingerprint` is a hash of what we last sent to Stripe, so that a second run has nothing to do; `revision` counts
    what was sent, and is part of each idempotency key.
    """

    class Kind(models.TextChoices):
        PRODUCT = "product", "Product"
        PRICE = "price", "Price"
        FEATURE = "feature", "Feature"
        METER = "meter", "Meter"

    kind = models.CharField(max_length=20, choices=Kind.choices)
    code = models.CharField(max_length=200, help_text="Our code; for a price, its lookup key.")
    stripe_id = models.CharField(max_length=255, unique=True, null=True, blank=True)
    idempotency_key = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    revision = models.PositiveIntegerField(default=0)
    fingerprint = models.CharField(max_length=64, blank=True)
    synced_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    superseded_at = models.DateTimeField(null=True, blank=True)

    objects = CatalogueEntryQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "catalogue entries"
        ordering = ["kind", "code", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "code"],
                condition=models.Q(superseded_at=None),
                name="one_current_catalogue_entry_per_code",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.code}"
