"""Organizations and invitations in the back office."""

from collections.abc import Iterator
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Count, ForeignKey, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from accounts.forms import NameField
from accounts.models import Invitation, Membership, Organization, Role
from accounts.names import NAME_LENGTH
from accounts.services.organizations import create_organization
from core.admin.columns import linked
from core.admin.records import ReadOnlyAdmin


class KeepAnOwner(forms.BaseInlineFormSet):
    """As in the services: an organization that has an owner keeps one."""

    def clean(self) -> None:
        super().clean()
        kept = [form.cleaned_data for form in self.forms if form.is_valid() and form.cleaned_data]
        has_owner = any(row["role"] == Role.OWNER and not row.get("DELETE") for row in kept)
        if not has_owner and self.instance.pk and self.instance.memberships.owners().exists():
            raise forms.ValidationError("The organization would be left without an owner.")


class MembershipInline(admin.TabularInline):
    model = Membership
    formset = KeepAnOwner
    fields = ["user", "role", "created_at"]
    readonly_fields = ["created_at"]
    autocomplete_fields = ["user"]
    extra = 0


class OrganizationForm(forms.ModelForm):
    name = NameField(max_length=NAME_LENGTH)

    class Meta:
        model = Organization
        fields = ["name", "email", "external_id"]

    def clean_external_id(self) -> str | None:
        return self.cleaned_data["external_id"] or None


@admin.register(Organization)
class OrganizationAdmin(admin.ModelAdmin):
    """Never deleted: the ledger, purchases and invoices of an organization outlive it."""

    form = OrganizationForm
    view_on_site = False  # the customer's own page, closed to staff
    list_display = ["name", "email", "public_id", "external_id", "members", "suspended_at", "created_at"]
    list_filter = [("suspended_at", admin.EmptyFieldListFilter), "created_at"]
    search_fields = ["name", "email", "=public_id", "=external_id", "memberships__user__email"]
    search_help_text = "Name, billing email, a member's email, public id or external id"
    date_hierarchy = "created_at"
    fields = ["public_id", "name", "email", "external_id", "suspended_at", "created_at", "related_records"]
    readonly_fields = ["public_id", "suspended_at", "created_at", "related_records"]
    inlines = [MembershipInline]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Organization]:
        return super().get_queryset(request).annotate(member_count=Count("memberships", distinct=True))

    @admin.display(description="members", ordering="member_count")
    def members(self, organization: Organization) -> int:
        return int(organization.member_count)  # type: ignore[attr-defined]

    @admin.display(description="see also")
    def related_records(self, organization: Organization) -> SafeString:
        """A link to every list in the back office that can be narrowed to this organization."""
        return format_html_join(" · ", '<a href="{}">{}</a>', self._related_lists(organization))

    def _related_lists(self, organization: Organization) -> Iterator[tuple[str, str]]:
        for relation in Organization._meta.related_objects:
            model = relation.related_model
            if isinstance(relation.field, ForeignKey) and self.admin_site.is_registered(model):
                meta = model._meta
                address = reverse(f"{self.admin_site.name}:{meta.app_label}_{meta.model_name}_changelist")
                yield f"{address}?{relation.field.name}__id__exact={organization.pk}", str(meta.verbose_name_plural)

    def save_model(self, request: HttpRequest, obj: Organization, form: Any, change: bool) -> None:
        if change:
            super().save_model(request, obj, form, change)
            return
        made = create_organization(name=obj.name, email=obj.email, external_id=obj.external_id)
        obj.pk, obj.public_id = made.pk, made.public_id

    def has_delete_permission(self, request: HttpRequest, obj: Organization | None = None) -> bool:
        return False


@admin.register(Invitation)
class InvitationAdmin(ReadOnlyAdmin):
    """What was sent and what became of it. Owners invite on their team page."""

    list_display = ["email", linked("organization"), "role", "invited_by", "sent_at", "expires_at", "outcome"]
    list_filter = [
        "role",
        ("accepted_at", admin.EmptyFieldListFilter),
        ("revoked_at", admin.EmptyFieldListFilter),
        "sent_at",
    ]
    list_select_related = ["organization", "invited_by"]
    search_fields = ["email", "organization__name", "=organization__public_id"]

    @admin.display
    def outcome(self, invitation: Invitation) -> str:
        return "accepted" if invitation.accepted_at else "withdrawn" if invitation.revoked_at else "open"
