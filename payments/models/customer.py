"""Which Stripe customer an organization is."""

import uuid

from django.db import models
from django.utils import timezone

from accounts.models import Organization


class Customer(models.Model):
    """An organization as Stripe knows it. The row, with its idempotency key and the name and email it will ask for, is
    committed before Stripe is called, so that every attempt asks for the same customer.

    `revision` counts what we want Stripe to know; `confirmed_revision` is the last that Stripe confirmed.
    """

    organization = models.OneToOneField(Organization, on_delete=models.PROTECT, related_name="stripe_customer")
    stripe_id = models.CharField(max_length=255, unique=True, null=True, blank=True, editable=False)
    idempotency_key = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    name = models.CharField(max_length=255)
    email = models.EmailField(blank=True)
    revision = models.PositiveIntegerField(default=1, editable=False)
    confirmed_revision = models.PositiveIntegerField(default=0, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        verbose_name = "Stripe customer"
        constraints = [
            models.CheckConstraint(condition=~models.Q(stripe_id=""), name="customer_stripe_id_is_null_or_given"),
            models.CheckConstraint(
                condition=models.Q(confirmed_revision__lte=models.F("revision")),
                name="customer_confirmed_revision_is_not_ahead",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.organization} ({self.stripe_id or 'not at Stripe yet'})"
