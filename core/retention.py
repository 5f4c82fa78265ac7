"""Deleting old records that nothing rests on any more."""

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import QuerySet

BATCH = 2_000


def delete_before(now: datetime) -> datetime:
    """Finished records from this instant or before are deleted: `LOGS_KEPT_DAYS` ago."""
    return now - timedelta(days=settings.LOGS_KEPT_DAYS)


def delete_in_batches(rows: QuerySet[Any]) -> int:
    """Delete rows with what belongs to them, some at a time, each batch a transaction of its own; returns how many."""
    deleted = 0
    while batch := list(rows.order_by("pk").values_list("pk", flat=True)[:BATCH]):
        rows.model._default_manager.filter(pk__in=batch).delete()
        deleted += len(batch)
    return deleted
