"""Saving an entry: its own columns, then what hangs on it."""

from collections.abc import Callable, Mapping
from typing import Any

from django.db import models

from core.locks import for_update
from payments.catalogue_file import Change


def save_row(
    model: type[models.Model],
    code: str,
    columns: Mapping[str, Any],
    parts: Mapping[str, Callable[[Any], bool]],
) -> Change:
    """Create or update the row with this code; each of `parts` saves its own rows and says whether they changed."""
    row = for_update(model._default_manager.filter(code=code)).first()
    is_new = row is None
    row = row or model(code=code)
    was_retired = bool(row.retired) and not is_new  # type: ignore[attr-defined]
    changed = [name for name, value in columns.items() if is_new or getattr(row, name) != value]
    for name in changed:
        setattr(row, name, columns[name])
    if changed:
        row.full_clean()
        row.save()
    changed += [name for name, save in parts.items() if save(row)]
    if is_new:
        return Change("created")
    if not changed:
        return Change("unchanged")
    if was_retired != row.retired:  # type: ignore[attr-defined]
        return Change("brought back" if was_retired else "retired", tuple(changed))
    return Change("updated", tuple(changed))
