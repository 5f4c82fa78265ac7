"""Keys with which programs call the API."""

import hashlib
import secrets
from datetime import datetime, timedelta

from django.db import models
from django.utils import timezone

from accounts.models.organization import Organization
from core.prepared_statements import row_by
from core.public_ids import PublicIdField

LAST_USED_RESOLUTION = timedelta(minutes=1)
SHOWN_LENGTH = 12


def new_secret(kind: str) -> str:
    """256 random bits behind a prefix that tells a reader (and a leak scanner) what it found."""
    return f"{'bps' if kind == ApiKey.Kind.SERVICE else 'bpo'}_{secrets.token_urlsafe(32)}"


def hash_secret(secret: str) -> str:
    """SHA-256, hex. A slow, salted hash protects passwords because people choose guessable ones; a key of 256 random
    bits cannot be guessed at any speed, and a fast unsalted hash lets one indexed lookup find it on every request."""
    return hashlib.sha256(secret.encode()).hexdigest()


class ApiKeyQuerySet(models.QuerySet["ApiKey"]):
    def live(self) -> "ApiKeyQuerySet":
        return self.filter(revoked_at=None)

    def authenticate(self, secret: str) -> "ApiKey | None":
        """The live key of this text."""
        found = row_by(ApiKey, "key_hash", hash_secret(secret))
        return found if found and found.revoked_at is None else None


class ApiKey(models.Model):
    """A service key acts for every organization; an organization key for its own. The text is shown once."""

    class Kind(models.TextChoices):
        SERVICE = "service", "Service"
        ORGANIZATION = "organization", "Organization"

    class Scope(models.TextChoices):
        READ = "read", "Read"
        WRITE = "write", "Read and write"

    public_id = PublicIdField("key")
    kind = models.CharField(max_length=20, choices=Kind.choices)
    organization = models.ForeignKey(
        Organization, on_delete=models.CASCADE, null=True, blank=True, related_name="api_keys"
    )
    name = models.CharField(max_length=120)
    scope = models.CharField(max_length=10, choices=Scope.choices)
    prefix = models.CharField(max_length=SHOWN_LENGTH, editable=False)
    key_hash = models.CharField(max_length=64, unique=True, editable=False)
    created_by = models.ForeignKey("accounts.User", on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)
    revoked_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = ApiKeyQuerySet.as_manager()

    class Meta:
        verbose_name = "API key"
        ordering = ["-created_at", "-id"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(kind="service", organization=None)
                | models.Q(kind="organization", organization__isnull=False),
                name="only_an_organization_key_belongs_to_an_organization",
            ),
            models.CheckConstraint(condition=models.Q(scope__in=["read", "write"]), name="api_key_scope_is_known"),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"

    @property
    def may_write(self) -> bool:
        return self.scope == self.Scope.WRITE

    def touch(self, *, now: datetime) -> None:
        """Remember that the key was used, at most once a minute: reads stay reads."""
        if self.last_used_at is None or now - self.last_used_at >= LAST_USED_RESOLUTION:
            self.last_used_at = now
            type(self).objects.filter(pk=self.pk).update(last_used_at=now)
