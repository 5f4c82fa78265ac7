"""People in the back office. Accounts are switched off, not deleted: what they did stays theirs."""

from typing import Any

from allauth.mfa.models import Authenticator
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest

from accounts.models import Membership, User
from core.admin.records import ReadOnlyInline


class MembershipOfUserInline(ReadOnlyInline):
    """Where they belong; roles are changed on the organization's page, which watches over its owners."""

    model = Membership
    fields = ["organization", "role", "created_at"]
    readonly_fields = ["created_at"]
    show_change_link = False


@admin.register(User)
class UserAdmin(DjangoUserAdmin):
    list_display = ["email", "name", "is_staff", "is_active", "has_second_factor", "date_joined"]
    list_filter = ["is_staff", "is_superuser", "is_active", "groups"]
    search_fields = ["email", "name", "memberships__organization__name"]
    ordering = ["email"]
    readonly_fields = ["last_login", "date_joined"]
    fieldsets = [
        (None, {"fields": ["email", "name", "password"]}),
        ("Back office", {"fields": ["is_active", "is_staff", "is_superuser", "groups", "user_permissions"]}),
        ("History", {"fields": ["last_login", "date_joined"]}),
    ]
    add_fieldsets = [(None, {"classes": ["wide"], "fields": ["email", "usable_password", "password1", "password2"]})]
    inlines = [MembershipOfUserInline]

    def get_inlines(self, request: HttpRequest, obj: User | None) -> Any:
        return self.inlines if obj else []

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        second_factor = Authenticator.objects.filter(user=OuterRef("pk"), type=Authenticator.Type.TOTP)
        return super().get_queryset(request).annotate(second_factor=Exists(second_factor))

    @admin.display(description="two-factor", boolean=True)
    def has_second_factor(self, user: User) -> bool:
        return bool(user.second_factor)  # type: ignore[attr-defined]

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return False
