"""Webhook endpoints, what is to be delivered to them, and how each attempt went."""

from datetime import datetime

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from accounts.models import Organization
from core.public_ids import PublicIdField
from notifications.models.events import Event


class WebhookEndpointQuerySet(models.QuerySet["WebhookEndpoint"]):
    def listening_to(self, event: Event) -> "WebhookEndpointQuerySet":
        """Enabled endpoints of the event's organization, or of all, that want its type."""
        return self.filter(
            Q(organization=None) | Q(organization=event.organization),
            Q(event_types=[]) | Q(event_types__contains=[event.type]),
            enabled=True,
        )

    def free(self, *, at: datetime) -> "WebhookEndpointQuerySet":
        """Enabled endpoints that no worker is busy with."""
        return self.filter(Q(claimed_until=None) | Q(claimed_until__lte=at), enabled=True)

    def with_due_deliveries(self, *, at: datetime) -> "WebhookEndpointQuerySet":
        return self.filter(Exists(WebhookDelivery.objects.due(at=at).filter(endpoint=OuterRef("pk"))))


class WebhookEndpoint(models.Model):
    """An address of the product's backend that hears of events, signed with its own secret."""

    public_id = PublicIdField("we")
    organization = models.ForeignKey(
        Organization,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="webhook_endpoints",
        help_text="Only this organization's events; empty means those of all organizations.",
    )
    url = models.CharField("URL", max_length=500)
    description = models.CharField(max_length=200, blank=True)
    event_types = ArrayField(
        models.CharField(max_length=64), default=list, blank=True, help_text="None chosen means all of them."
    )
    enabled = models.BooleanField(default=True)
    disabled_reason = models.CharField(max_length=200, blank=True, editable=False)
    secret = models.CharField(max_length=100, editable=False)
    previous_secret = models.CharField(max_length=100, blank=True, editable=False)
    previous_secret_until = models.DateTimeField(null=True, blank=True, editable=False)
    failing_since = models.DateTimeField(
        null=True, blank=True, editable=False, help_text="The first failure since something was last delivered."
    )
    claimed_until = models.DateTimeField(
        null=True,
        blank=True,
        editable=False,
        help_text="Until then one worker is busy with it; the others go elsewhere.",
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = WebhookEndpointQuerySet.as_manager()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(previous_secret="", previous_secret_until=None)
                | (~Q(previous_secret="") & Q(previous_secret_until__isnull=False)),
                name="previous_webhook_secret_ends_some_day",
            ),
        ]

    def __str__(self) -> str:
        return self.description or self.url

    def secrets_at(self, moment: datetime) -> list[str]:
        """The secrets that sign at a moment: the present one, and the rotated one until it lapses."""
        if self.previous_secret_until and moment < self.previous_secret_until:
            return [self.secret, self.previous_secret]
        return [self.secret]


class WebhookDeliveryQuerySet(models.QuerySet["WebhookDelivery"]):
    def due(self, *, at: datetime) -> "WebhookDeliveryQuerySet":
        return self.filter(next_attempt_at__lte=at).order_by("next_attempt_at", "id")

    def finished(self, *, before: datetime) -> "WebhookDeliveryQuerySet":
        """Delivered or given up, and queued (or replayed) by then. The event stays: it is never published again."""
        return self.filter(next_attempt_at=None, retry_from__lte=before)


class WebhookDelivery(models.Model):
    """One event for one endpoint. `webhook-id` is the event's id, so a receiver knows a repeated delivery."""

    class Status(models.TextChoices):
        PENDING = "pending", "Pending"
        DELIVERED = "delivered", "Delivered"
        FAILED = "failed", "Failed, will be retried"
        EXHAUSTED = "exhausted", "Given up"

    event = models.ForeignKey(Event, on_delete=models.PROTECT, related_name="deliveries")
    endpoint = models.ForeignKey(WebhookEndpoint, on_delete=models.PROTECT, related_name="deliveries")
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.PENDING)
    attempts = models.PositiveSmallIntegerField(
        default=0, help_text="Since it was queued, or replayed; all of them are listed below."
    )
    retry_from = models.DateTimeField(help_text="When it was queued, or replayed; retries end three days later.")
    next_attempt_at = models.DateTimeField(null=True, blank=True)
    delivered_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    objects = WebhookDeliveryQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "webhook deliveries"
        ordering = ["-id"]
        permissions = [("replay_webhookdelivery", "Can replay a webhook delivery")]
        constraints = [
            models.UniqueConstraint(fields=["event", "endpoint"], name="event_is_delivered_once_per_endpoint"),
            models.CheckConstraint(
                condition=Q(status__in=["pending", "failed"], next_attempt_at__isnull=False)
                | Q(status__in=["delivered", "exhausted"], next_attempt_at=None),
                name="webhook_delivery_has_a_next_attempt_until_it_ends",
            ),
            models.CheckConstraint(
                condition=~Q(status="delivered") | Q(delivered_at__isnull=False), name="delivered_webhook_has_a_time"
            ),
        ]
        indexes = [
            models.Index(
                fields=["endpoint", "next_attempt_at"],
                condition=Q(next_attempt_at__isnull=False),
                name="webhook_delivery_waiting",
            ),
            models.Index(fields=["created_at"], condition=Q(status="exhausted"), name="webhook_delivery_given_up"),
        ]

    def __str__(self) -> str:
        return f"{self.event} → {self.endpoint}"


class WebhookAttempt(models.Model):
    """One request and its answer, or what kept it from being made."""

    delivery = models.ForeignKey(WebhookDelivery, on_delete=models.CASCADE, related_name="attempt_log")
    status_code = models.PositiveSmallIntegerField(null=True)
    response_excerpt = models.TextField(blank=True)
    error = models.CharField(max_length=300, blank=True)
    duration_ms = models.PositiveIntegerField()
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.status_code or self.error} after {self.duration_ms} ms"
