"""What admin pages have in common, in every app."""

from collections.abc import Callable, Iterable
from functools import cache
from typing import Any

from django.contrib import admin, messages
from django.contrib.auth import get_permission_codename
from django.db.models import Model
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html

from core.errors import PortalError


class ReadOnly:
    """Rows that record what happened, or what Stripe or the customer decided: to look at, never to change."""

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


class ReadOnlyAdmin(ReadOnly, admin.ModelAdmin):
    def has_act_permission(self, request: HttpRequest) -> bool:
        """For actions: the rows are not edited, but whoever may only look at them starts nothing with them."""
        return request.user.has_perm(f"{self.opts.app_label}.{get_permission_codename('change', self.opts)}")


class ReadOnlyInline(ReadOnly, admin.TabularInline):
    extra = 0
    show_change_link = True


def link_to(target: Model | None) -> str:
    """The target's name, leading to its admin page if it has one."""
    if target is None:
        return "–"
    try:
        url = reverse(f"admin:{target._meta.app_label}_{target._meta.model_name}_change", args=[target.pk])
    except NoReverseMatch:
        return str(target)
    return format_html('<a href="{}">{}</a>', url, target)


def for_each(request: HttpRequest, records: Iterable[Any], act: Callable[[Any], object]) -> int:
    """An action's loop: who is refused is named with the reason, the others go on. Returns to how many it was done."""
    done = 0
    for record in records:
        try:
            act(record)
        except PortalError as refusal:
            messages.error(request, f"{record}: {refusal.message}")
        else:
            done += 1
    return done


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
