"""Columns and read-only fields: links to other records, exact quantities, JSON for people."""

import json
from functools import cache
from typing import Any

from django.contrib import admin
from django.db.models import Model
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html

from core.quantities import grouped


def link_to(target: Model | None) -> str:
    """The target's name, leading to its admin page if it has one."""
    if target is None:
        return "–"
    try:
        url = reverse(f"admin:{target._meta.app_label}_{target._meta.model_name}_change", args=[target.pk])
    except NoReverseMatch:
        return str(target)
    return format_html('<a href="{}">{}</a>', url, target)


def pretty_json(value: Any) -> str:
    return format_html("<pre>{}</pre>", json.dumps(value, indent=2, ensure_ascii=False))


@cache  # the same column or field, wherever a page names it
def linked(path: str, description: str = "") -> Any:
    """A column or read-only field that leads to what the path names, such as `wallet__organization`."""
    *_, name = steps = path.split("__")

    @admin.display(description=description or name, ordering=f"{path}__name" if name == "organization" else None)
    def shown(record: Any) -> str:
        for step in steps:
            record = getattr(record, step)
        return link_to(record)

    shown.__name__ = name
    return shown


@cache
def quantity(field: str) -> Any:
    """A column or read-only field of an exact quantity as people write it: `1,000`, not `1000.000000`."""

    @admin.display(description=field.replace("_", " "), ordering=field, empty_value="-")
    def shown(record: Any) -> str | None:
        value = getattr(record, field)
        return None if value is None else grouped(value)

    shown.__name__ = field
    return shown
