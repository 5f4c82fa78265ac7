"""Whose Stripe account the mirror belongs to, and where Stripe sends its events."""

import uuid

from django.db import models

ONLY_ROW = 1


class StripeAccount(models.Model):
    """One row: the account that everything in this database is about.

    `key_fingerprint` is a keyed hash of the secret key that was last seen to belong to it, so that the next start with
    the same key need not ask Stripe.
    """

    id = models.PositiveSmallIntegerField(primary_key=True, default=ONLY_ROW, editable=False)
    stripe_id = models.CharField(max_length=255)
    name = models.CharField(max_length=255, blank=True)
    livemode = models.BooleanField()
    key_fingerprint = models.CharField(max_length=64)
    verified_at = models.DateTimeField()

    class Meta:
        verbose_name = "Stripe account"
        constraints = [models.CheckConstraint(condition=models.Q(id=ONLY_ROW), name="there_is_one_stripe_account")]

    def __str__(self) -> str:
        return f"{self.name or self.stripe_id} ({'live' if self.livemode else 'test'})"


class StripeWebhookEndpoint(models.Model):
    """An endpoint that `sync_catalog` registers. `secret` signs its deliveries; Stripe shows it only once."""

    url = models.URLField(max_length=2048, unique=True)
    idempotency_key = models.UUIDField(default=uuid.uuid4, editable=False)
    stripe_id = models.CharField(max_length=255, unique=True, null=True, blank=True)
    secret = models.CharField(max_length=255, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = "Stripe webhook endpoint"

    def __str__(self) -> str:
        return self.url
