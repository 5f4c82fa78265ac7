"""What was answered to a POST that carried an `Idempotency-Key`."""

from datetime import datetime, timedelta

from django.db import models

KEPT_FOR = timedelta(days=7)


class IdempotentRequestQuerySet(models.QuerySet["IdempotentRequest"]):
    def older_than_kept(self, *, at: datetime) -> "IdempotentRequestQuerySet":
        return self.filter(created_at__lte=at - KEPT_FOR)


class IdempotentRequest(models.Model):
    """One row per caller, path and `Idempotency-Key`. `status` is null while the first request is being answered."""

    caller = models.BigIntegerField()
    path = models.CharField(max_length=500)
    key = models.CharField(max_length=255)
    body_hash = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField(null=True)
    body = models.TextField(default="")
    claimed_until = models.DateTimeField()
    created_at = models.DateTimeField(db_index=True)

    objects = IdempotentRequestQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["caller", "path", "key"], name="one_answer_per_idempotency_key"),
        ]

    def __str__(self) -> str:
        return f"{self.path} {self.key}"
