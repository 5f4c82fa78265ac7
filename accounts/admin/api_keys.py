"""API keys in the back office: service keys are made here and shown once; every key can be revoked."""

from typing import Any, cast

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone

from accounts.forms import NameField
from accounts.models import ApiKey, User
from accounts.names import NAME_LENGTH
from accounts.services.api_keys import create_api_key, revoke_api_key


class ApiKeyForm(forms.ModelForm):
    name = NameField(max_length=NAME_LENGTH, help_text="What uses it, such as “product backend, production”.")

    class Meta:
        model = ApiKey
        fields = ["name", "scope"]


@admin.register(ApiKey)
class ApiKeyAdmin(admin.ModelAdmin):
    """“Add” makes a service key. Organizations make their own on their keys page."""

    form = ApiKeyForm
    list_display = ["name", "prefix", "kind", "organization", "scope", "created_by", "last_used_at", "revoked_at"]
    list_filter = ["kind", "scope", ("revoked_at", admin.EmptyFieldListFilter), "created_at"]
    list_select_related = ["organization", "created_by"]
    search_fields = ["name", "=prefix", "=public_id", "organization__name", "=organization__public_id"]
    actions = ["revoke"]
    fields = [
        "public_id",
        "name",
        "prefix",
        "kind",
        "organization",
        "scope",
        "created_by",
        "created_at",
        "last_used_at",
        "revoked_at",
    ]

    def get_fields(self, request: HttpRequest, obj: ApiKey | None = None) -> Any:
        return super().get_fields(request, obj) if obj else ["name", "scope"]

    def get_readonly_fields(self, request: HttpRequest, obj: ApiKey | None = None) -> Any:
        return self.fields if obj else []

    def save_model(self, request: HttpRequest, obj: ApiKey, form: Any, change: bool) -> None:
        if change:
            return
        made, secret = create_api_key(name=obj.name, scope=obj.scope, created_by=cast(User, request.user))
        obj.pk, obj.prefix, obj.key_hash = made.pk, made.prefix, made.key_hash
        request.new_secret = secret  # type: ignore[attr-defined]

    def response_add(self, request: HttpRequest, obj: ApiKey, post_url_continue: str | None = None) -> HttpResponse:
        """The page that shows the key. Not a redirect: that would have to keep the text somewhere meanwhile."""
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": "The new service key",
            "api_key": obj,
            "secret": request.new_secret,  # type: ignore[attr-defined]
        }
        return TemplateResponse(request, "admin/accounts/apikey/created.html", context)

    @admin.action(description="Revoke selected keys", permissions=["change"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> None:
        now = timezone.now()
        for api_key in queryset:
            revoke_api_key(api_key=api_key, now=now)
            self.log_change(request, api_key, "Revoked.")
        self.message_user(request, "Revoked: the keys no longer work.", messages.SUCCESS)

    def has_delete_permission(self, request: HttpRequest, obj: ApiKey | None = None) -> bool:
        return False
