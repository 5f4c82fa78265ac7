"""Emails: those that must be sent once, and those the demo caught."""

from datetime import datetime

from django.db import models
from django.db.models import Q
from django.utils import timezone

from accounts.models import Organization
from core.public_ids import PublicIdField
from notifications.models.events import Event


class SentEmailQuerySet(models.QuerySet["SentEmail"]):
    def due(self, *, at: datetime) -> "SentEmailQuerySet":
        return self.filter(status=SentEmail.Status.QUEUED, next_attempt_at__lte=at).order_by("next_attempt_at", "id")

    def finished(self, *, before: datetime) -> "SentEmailQuerySet":
        """Of events, and sent or given up by then. The event stays, and with it that its emails were written once; an
        email of its own is what says so itself.
        """
        ended = self.exclude(status=SentEmail.Status.QUEUED).filter(event__isnull=False, created_at__lte=before)
        return ended.filter(Q(sent_at=None) | Q(sent_at__lte=before))


class SentEmail(models.Model):
    """One message to one address, and whether it left. Written first, then sent, and retried until it is."""

    class Status(models.TextChoices):
        QUEUED = "queued", "Queued"
        SENT = "sent", "Sent"
        FAILED = "failed", "Failed"

    key = models.CharField(max_length=400, unique=True, help_text="What makes this message the same as a repeated one.")
    event = models.ForeignKey(Event, on_delete=models.PROTECT, null=True, blank=True, related_name="emails")
    organization = models.ForeignKey(
        Organization, on_delete=models.PROTECT, null=True, blank=True, related_name="sent_emails"
    )
    to = models.EmailField()
    subject = models.CharField(max_length=255, blank=True)
    text = models.TextField(blank=True)
    html = models.TextField("HTML", blank=True)
    confidential = models.BooleanField(
        default=False, help_text="The words are removed once they have left, because they hold a secret."
    )
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.QUEUED)
    attempts = models.PositiveSmallIntegerField(default=0)
    next_attempt_at = models.DateTimeField(null=True, blank=True)
    error = models.TextField(blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    sent_at = models.DateTimeField(null=True, blank=True)

    objects = SentEmailQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        permissions = [("resend_sentemail", "Can send an email again")]
        constraints = [
            models.CheckConstraint(
                condition=Q(status="queued", next_attempt_at__isnull=False)
                | (~Q(status="queued") & Q(next_attempt_at=None)),
                name="email_has_a_next_attempt_while_queued",
            ),
            models.CheckConstraint(
                condition=Q(status="sent", sent_at__isnull=False) | ~Q(status="sent"), name="sent_email_has_a_time"
            ),
        ]
        indexes = [
            models.Index(fields=["next_attempt_at"], condition=Q(status="queued"), name="email_queued"),
        ]

    def __str__(self) -> str:
        return f"{self.subject or (self.event.title if self.event else self.key)} → {self.to}"


class MailboxMessage(models.Model):
    """Any email of the portal, kept for reading in the browser instead of being sent: the demo's mailbox."""

    public_id = PublicIdField("mail")
    sender = models.CharField(max_length=320)
    to = models.TextField(help_text="Addresses, separated by commas.")
    subject = models.TextField()
    text = models.TextField()
    html = models.TextField("HTML", blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.subject} → {self.to}"
