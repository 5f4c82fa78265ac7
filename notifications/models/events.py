"""What happened to an organization, and which emails about it are wanted."""

import json
from datetime import UTC, datetime

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import Q
from django.utils import timezone

from accounts.models import Organization
from core.exact_json import ExactDecoder, ExactEncoder
from core.public_ids import PublicIdField
from notifications import event_types


class EventQuerySet(models.QuerySet["Event"]):
    def not_fanned_out(self, *, published_before: datetime) -> "EventQuerySet":
        return self.filter(fanned_out_at=None, created_at__lt=published_before).order_by("id")


class Event(models.Model):
    """A fact, published once per (type, key). Emails and webhook deliveries follow from it, each once."""

    public_id = PublicIdField("msg")
    type = models.CharField(max_length=64)
    organization = models.ForeignKey(
        Organization, on_delete=models.PROTECT, null=True, blank=True, related_name="events"
    )
    key = models.CharField(max_length=255, help_text="What makes this event the same as a repeated one.")
    data = models.JSONField(encoder=ExactEncoder, decoder=ExactDecoder, help_text="What webhooks carry.")
    email_context = models.JSONField(
        encoder=DjangoJSONEncoder, default=dict, help_text="What only the emails need to know."
    )
    is_emailed = models.BooleanField(default=True, help_text="Off where another event of the moment says it to people.")
    occurred_at = models.DateTimeField()
    created_at = models.DateTimeField(default=timezone.now)
    fanned_out_at = models.DateTimeField(null=True, help_text="When its emails and deliveries were written down.")
    # Of the object that `publish` returns: true when this call was the first to publish it.
    is_new = False

    objects = EventQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["type", "key"], name="event_is_published_once_per_key"),
            models.CheckConstraint(
                condition=Q(organization__isnull=False) | Q(type=event_types.TEST_PING.code),
                name="event_belongs_to_an_organization_unless_it_is_a_test",
            ),
        ]
        indexes = [
            models.Index(fields=["created_at"], condition=Q(fanned_out_at=None), name="event_waiting_for_fan_out"),
            models.Index(fields=["organization", "-id"], name="event_of_organization"),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.public_id}"

    @property
    def title(self) -> str:
        event_type = event_types.find(self.type)
        return event_type.title if event_type else self.type

    @property
    def body(self) -> str:
        """The JSON that webhooks carry: the same bytes at every attempt."""
        data = {"organization": self.organization.public_id if self.organization else None, **self.data}
        payload = {"type": self.type, "timestamp": iso_utc(self.occurred_at), "data": data}
        return json.dumps(payload, cls=ExactEncoder, separators=(",", ":"), ensure_ascii=False)


class EmailPreference(models.Model):
    """Whether an organization wants the emails of one optional type. No row means yes."""

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="email_preferences")
    event_type = models.CharField(max_length=64)
    enabled = models.BooleanField()
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["organization", "event_type"]
        constraints = [
            models.UniqueConstraint(fields=["organization", "event_type"], name="one_email_preference_per_type"),
        ]

    def __str__(self) -> str:
        return f"{self.event_type} emails {'on' if self.enabled else 'off'} for {self.organization}"


def iso_utc(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
