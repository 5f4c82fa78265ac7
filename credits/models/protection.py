"""Columns that only the ledger writes."""

from collections.abc import Iterable
from typing import Any, ClassVar

from django.db import models


class LedgerKeeps(models.Model):
    """Base of rows whose `ledger_fields` move only through `credits.ledger`.

    An ordinary `save()` of a loaded row would write yesterday's figures over today's, so it must name its fields.
    """

    ledger_fields: ClassVar[frozenset[str]] = frozenset()

    class Meta:
        abstract = True

    def save(self, *args: Any, update_fields: Iterable[str] | None = None, **kwargs: Any) -> None:
        if not self._state.adding:
            named = None if update_fields is None else frozenset(update_fields)
            if named is None or named & self.ledger_fields:
                raise TypeError(
                    f"{type(self).__name__}: {', '.join(sorted(self.ledger_fields))} are the ledger's; "
                    "save other columns by naming them in update_fields."
                )
        super().save(*args, update_fields=update_fields, **kwargs)
