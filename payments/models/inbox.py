"""Stripe's events, and what became of them."""

from datetime import date, datetime, timedelta
from typing import Self

from django.db import connection, models
from django.db.models import F, Q
from django.db.models.functions import Now

LEASE = timedelta(minutes=5)
# A new row's own task comes at once; the sweep leaves it this long before it counts the row as forgotten.
SWEEP_AFTER = timedelta(minutes=1)


class StripeEventQuerySet(models.QuerySet["StripeEvent"]):
    def unfinished(self) -> Self:
        return self.filter(status__in=StripeEvent.UNFINISHED)

    def due(self, *, at: datetime) -> Self:
        """Forgotten, failed and due again, or left behind by a worker that died; oldest first."""
        return self.unfinished().filter(next_attempt_at__lte=at).order_by("next_attempt_at", "id")

    def finished(self, *, before: datetime) -> Self:
        """Done or ignored at that instant or earlier. Handlers look at Stripe's present state and at what was posted,
        never at these rows: an event that comes again after its row has gone changes nothing.
        """
        return self.exclude(status__in=StripeEvent.UNFINISHED).filter(processed_at__lte=before)

    def claim(self, *, stripe_id: str, at: datetime) -> "StripeEvent | None":
        """Take the row for `LEASE`, or None if it is finished, not due yet, or in somebody else's hands.

        `attempts` counts the claims; whoever finishes the row proves with it that the claim is still theirs.
        """
        free = Q(status=StripeEvent.Status.RECEIVED) | Q(
            status__in=[StripeEvent.Status.FAILED, StripeEvent.Status.PROCESSING], next_attempt_at__lte=at
        )
        claimed = self.filter(free, stripe_id=stripe_id).update(
            status=StripeEvent.Status.PROCESSING, attempts=F("attempts") + 1, next_attempt_at=at + LEASE
        )
        return self.get(stripe_id=stripe_id) if claimed else None


class StripeEvent(models.Model):
    """An event, stored once under Stripe's id, kept for `LOGS_KEPT_DAYS` after it is done. `payload` is what was
    delivered: a snapshot of that moment, never the basis of a decision.
    """

    class Status(models.TextChoices):
        RECEIVED = "received", "Received"
        PROCESSING = "processing", "Processing"
        DONE = "done", "Done"
        IGNORED = "ignored", "Ignored"
        FAILED = "failed", "Failed"

    UNFINISHED = [Status.RECEIVED, Status.PROCESSING, Status.FAILED]

    stripe_id = models.CharField("Stripe id", max_length=255, unique=True)
    type = models.CharField(max_length=100, db_index=True)
    object_type = models.CharField(max_length=100)
    object_id = models.CharField(max_length=255, blank=True, db_index=True)
    api_version = models.CharField("API version", max_length=50, blank=True)
    payload = models.JSONField()
    created = models.DateTimeField("happened at", help_text="Stripe's time (UTC).")
    received_at = models.DateTimeField(db_index=True)
    stored_at = models.DateTimeField(db_default=Now(), editable=False, help_text="By PostgreSQL's clock.")
    status = models.CharField(max_length=20, choices=Status.choices, default=Status.RECEIVED)
    attempts = models.PositiveIntegerField(default=0)
    next_attempt_at = models.DateTimeField(
        null=True, blank=True, help_text="When it is tried (again); while it is processed, when that claim lapses."
    )
    last_error = models.TextField(blank=True)
    mirror_error = models.TextField(
        blank=True, help_text="Why dj-stripe could not copy the object. Money does not depend on the copy."
    )
    processed_at = models.DateTimeField(null=True, blank=True)

    objects = StripeEventQuerySet.as_manager()

    class Meta:
        ordering = ["-created", "-id"]
        verbose_name = "Stripe event"
        permissions = [("replay_stripeevent", "Can replay and ignore Stripe events")]
        indexes = [
            models.Index(
                fields=["next_attempt_at"],
                condition=Q(status__in=["received", "processing", "failed"]),
                name="stripe_events_unfinished",
            ),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=["done", "ignored"]) | Q(next_attempt_at__isnull=False),
                name="unfinished_stripe_event_has_a_next_attempt",
            ),
            models.CheckConstraint(
                condition=~Q(status__in=["done", "ignored"]) | Q(processed_at__isnull=False),
                name="finished_stripe_event_says_when",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.object_id}"


class HandledObject(models.Model):
    """Until when the state of a Stripe object that we last acted on had been read (see `take`), and how recent a state
    the mirror shows. Both by PostgreSQL's clock.
    """

    object_id = models.CharField(max_length=255, primary_key=True)
    handled_at = models.DateTimeField()
    mirrored_from = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return self.object_id

    @classmethod
    def take(cls, *, object_id: str, read_from: datetime, is_copied: bool = False) -> bool:
        """Lock the object until the transaction ends, and say whether what was read since `read_from` may be acted on.

        It may not if somebody acted on this object after our reading began: theirs could be the newer one. One
        statement, one clock, so it holds over any number of machines.
        """
        with connection.cursor() as cursor:
            cursor.execute(
                """
                INSERT INTO payments_handledobject AS handled (object_id, handled_at, mirrored_from)
                VALUES (%s, clock_timestamp(), %s)
                ON CONFLICT (object_id) DO UPDATE
                SET handled_at = clock_timestamp(),
                    mirrored_from = coalesce(excluded.mirrored_from, handled.mirrored_from)
                WHERE handled.handled_at < %s
                RETURNING handled_at
                """,
                [object_id, read_from if is_copied else None, read_from],
            )
            return cursor.fetchone() is not None

    @classmethod
    def mirror_shows(cls, event: StripeEvent) -> bool:
        """Does the mirror already show a state that was read after this event had come?"""
        return cls.objects.filter(object_id=event.object_id, mirrored_from__gt=event.stored_at).exists()


class InboxRefusal(models.Model):
    """How many deliveries were refused, per reason and day. Nothing of what they carried is kept."""

    class Reason(models.TextChoices):
        BAD_SIGNATURE = "bad_signature", "Bad or missing signature"
        STALE = "stale", "Signed too long ago, or in the future"
        UNREADABLE = "unreadable", "Body is not a Stripe event"

    reason = models.CharField(max_length=20, choices=Reason.choices)
    day = models.DateField()
    count = models.PositiveBigIntegerField(default=0)

    class Meta:
        ordering = ["-day", "reason"]
        verbose_name = "refused delivery"
        verbose_name_plural = "refused deliveries"
        constraints = [models.UniqueConstraint(fields=["reason", "day"], name="one_refusal_counter_per_reason_and_day")]

    def __str__(self) -> str:
        return f"{self.day}: {self.get_reason_display()}: {self.count}"

    @classmethod
    def add(cls, *, reason: str, day: date) -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                """
                INSERT INTO payments_inboxrefusal AS refused (reason, day, count) VALUES (%s, %s, 1)
                ON CONFLICT (reason, day) DO UPDATE SET count = refused.count + 1
                """,
                [reason, day],
            )
