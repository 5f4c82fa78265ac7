"""What the admin pages of this app have in common."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import Model
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html

from accounts.models import Organization


class ReadOnlyAdmin(admin.ModelAdmin):
    """What Stripe or the customer decided: to look at, never to change."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


class ReadOnlyInline(admin.TabularInline):
    extra = 0
    show_change_link = True

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


def organization_link(organization: Organization) -> str:
    address = reverse("admin:accounts_organization_change", args=[organization.pk])
    return format_html('<a href="{}">{}</a>', address, organization)


def remind_to_sync(request: HttpRequest) -> None:
    messages.info(request, "Saved here. Run `manage.py sync_catalog` to bring prices and meters to Stripe.")


def json_rows(value: Any) -> str:
    """A small mapping for people."""
    return ", ".join(f"{name}: {each}" for name, each in value.items()) or "–"
