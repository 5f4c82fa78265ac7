"""Pages of records that are looked at and not edited."""

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.contrib.auth import get_permission_codename
from django.db.models import Model
from django.http import HttpRequest

from core.admin.columns import quantity
from core.fields import QuantityField

if TYPE_CHECKING:
    _ModelAdmin = admin.ModelAdmin[Any]
    _TabularInline = admin.TabularInline[Any, Any]
else:  # Django's classes take no parameters
    _ModelAdmin, _TabularInline = admin.ModelAdmin, admin.TabularInline


class ReadOnly:
    """Rows that record what happened, or what Stripe or the customer decided: to look at, never to change."""

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


class ReadOnlyAdmin(ReadOnly, _ModelAdmin):
    def has_act_permission(self, request: HttpRequest) -> bool:
        """For actions: the rows are not edited, but whoever may only look at them starts nothing with them."""
        return request.user.has_perm(f"{self.opts.app_label}.{get_permission_codename('change', self.opts)}")


class RecordAdmin(ReadOnlyAdmin):
    """Shows every field of a row, its quantities as people write them."""

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> list[Any]:
        exact = {field.name for field in self.model._meta.fields if isinstance(field, QuantityField)}
        return [quantity(name) if name in exact else name for name in super().get_fields(request, obj)]


class ReadOnlyInline(ReadOnly, _TabularInline):
    extra = 0
    show_change_link = True
