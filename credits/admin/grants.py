"""Giving credits and taking them back, by hand, with a reason."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, cast

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.widgets import AdminSplitDateTime
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Count, QuerySet, Sum
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone

from accounts.models import Organization, User
from core.admin.columns import linked, quantity
from core.admin.figures import Figure, figures
from core.admin.records import ReadOnlyInline
from core.errors import PortalError
from core.public_ids import new_public_id
from core.quantities import ZERO, grouped
from credits.admin.panels import OWED
from credits.engine.burn_order import DEFAULT_PRIORITY
from credits.forms import AttemptForm
from credits.models import CreditGrant, LedgerEntry, Unit
from credits.services.grants import grant_credits, take_back


class GrantForm(AttemptForm):
    organization = forms.ModelChoiceField(
        Organization.objects.all(),
        to_field_name="public_id",
        widget=forms.TextInput(attrs={"placeholder": "org_…", "size": 40}),
        help_text="Its public id (org_…), found on its page.",
    )
    unit = forms.ModelChoiceField(Unit.objects.all())
    amount = forms.DecimalField(max_digits=20, decimal_places=6)
    expires_at = forms.SplitDateTimeField(required=False, widget=AdminSplitDateTime, help_text="UTC. Empty: never.")
    reason = forms.CharField(
        max_length=500, widget=forms.TextInput(attrs={"size": 80}), help_text="The customer reads it."
    )
    priority = forms.IntegerField(initial=DEFAULT_PRIORITY, help_text="Lower is used first.")


class TakeBackForm(AttemptForm):
    amount = forms.DecimalField(max_digits=20, decimal_places=6, min_value=0)
    owe = forms.BooleanField(
        required=False, label="What is already spent is owed", help_text="Otherwise it is forgiven."
    )
    reason = forms.CharField(max_length=500, widget=forms.TextInput(attrs={"size": 80}))


class EntryInline(ReadOnlyInline):
    model = LedgerEntry
    readonly_fields = [
        "created_at",
        "kind",
        quantity("amount"),
        quantity("balance_after"),
        "reason",
        "actor",
        "reference",
    ]
    fields = [*readonly_fields]
    ordering = ["-sequence"]


class LeftFilter(admin.SimpleListFilter):
    title = "what is left"
    parameter_name = "left"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list[tuple[str, str]]:
        return [("some", "some"), ("none", "none, or expired")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[CreditGrant]) -> QuerySet[CreditGrant]:
        live = CreditGrant.objects.live(at=timezone.now())
        if self.value() == "some":
            return queryset & live
        return queryset.exclude(pk__in=live.values("pk")) if self.value() == "none" else queryset


@admin.register(CreditGrant)
class CreditGrantAdmin(admin.ModelAdmin):
    """“Add” grants credits; a grant that exists changes only through the ledger."""

    change_form_template = "admin/credits/creditgrant/change_form.html"
    list_display = [
        "public_id",
        "organization",
        "unit",
        quantity("amount"),
        quantity("remaining"),
        quantity("held"),
        "source",
        "reason",
        "expires_at",
    ]
    list_filter = [LeftFilter, "source", "wallet__unit", "created_at", "expires_at"]
    list_select_related = ["wallet__organization", "wallet__unit"]
    search_fields = ["=public_id", "reason", "wallet__organization__name", "=wallet__organization__public_id"]
    inlines = [EntryInline]

    readonly_fields = [
        "public_id",
        linked("wallet__organization"),
        "wallet",
        quantity("amount"),
        quantity("remaining"),
        quantity("held"),
        "priority",
        "source",
        "reason",
        "actor",
        "paid_for",
        "created_at",
        "expires_at",
        "frozen_at",
    ]
    fields = [*readonly_fields]

    def has_delete_permission(self, request: HttpRequest, obj: CreditGrant | None = None) -> bool:
        return False

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """Grant credits. The form's attempt makes a double click one grant."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        initial = {"attempt": new_public_id("attempt"), "organization": request.GET.get("organization")}
        form = GrantForm(request.POST or None, initial=initial)
        if request.method == "POST" and form.is_valid():
            try:
                grant = self._grant(request, form.cleaned_data)
            except PortalError as problem:
                form.refuse(problem)
            else:
                return redirect(reverse("admin:credits_creditgrant_change", args=[grant.pk]))
        return self._page(request, "admin/credits/creditgrant/add.html", title="Grant credits", form=form)

    def get_urls(self) -> list[URLPattern]:
        taking = self.admin_site.admin_view(self.take_back_view)
        return [path("<int:pk>/take-back/", taking, name="credits_creditgrant_take_back"), *super().get_urls()]

    def take_back_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Take credits of this grant back; the page shows what is left before it asks."""
        if not self.has_change_permission(request):
            raise PermissionDenied
        grant = get_object_or_404(CreditGrant.objects.select_related("wallet__organization", "wallet__unit"), pk=pk)
        form = TakeBackForm(
            request.POST or None, initial={"attempt": new_public_id("attempt"), "amount": grant.remaining}
        )
        if request.method == "POST" and form.is_valid():
            try:
                self._take_back(request, grant, form.cleaned_data)
            except PortalError as problem:
                form.refuse(problem)
            else:
                return redirect(reverse("admin:credits_creditgrant_change", args=[grant.pk]))
        return self._page(
            request,
            "admin/credits/creditgrant/take_back.html",
            title=f"Take back credits of {grant}",
            grant=grant,
            form=form,
        )

    def _page(self, request: HttpRequest, template: str, **context: Any) -> TemplateResponse:
        everywhere = {**self.admin_site.each_context(request), "opts": self.opts, "media": self.media}
        return TemplateResponse(request, template, {**everywhere, **context})

    @transaction.atomic
    def _grant(self, request: HttpRequest, asked: dict[str, Any]) -> CreditGrant:
        now = timezone.now()
        grant = grant_credits(
            organization=asked["organization"],
            unit=asked["unit"],
            amount=asked["amount"],
            source=CreditGrant.Source.STAFF,
            reference=f"staff:{asked['attempt']}",
            reason=asked["reason"],
            actor=cast(User, request.user),
            expires_at=asked["expires_at"],
            priority=asked["priority"],
            now=now,
        )
        self.log_addition(request, grant, f"Granted: {asked['reason']}")
        self.message_user(request, f"{asked['unit'].describe(grant.amount)} granted.", messages.SUCCESS)
        return grant

    def _take_back(self, request: HttpRequest, grant: CreditGrant, asked: dict[str, Any]) -> None:
        entries = take_back(
            grant=grant,
            amount=asked["amount"],
            reason=asked["reason"],
            actor=cast(User, request.user),
            reference=f"take-back:{asked['attempt']}",
            owe_the_rest=asked["owe"],
            now=timezone.now(),
        )
        self.log_change(request, grant, f"Took back {asked['amount']}: {asked['reason']}")
        taken = -sum((entry.amount for entry in entries), ZERO)
        self.message_user(
            request, f"{taken.normalize():f} taken back." if entries else "Nothing was left to take.", messages.SUCCESS
        )

    @admin.display(ordering="wallet__organization__name")
    def organization(self, grant: CreditGrant) -> str:
        return str(grant.wallet.organization)

    @admin.display(ordering="wallet__unit")
    def unit(self, grant: CreditGrant) -> str:
        return grant.wallet.unit_id

    @admin.display(description="paid")
    def paid_for(self, grant: CreditGrant) -> str:
        return str(grant.paid or "nothing: given")


@figures(OWED, CreditGrant, order=10)
def unspent_credits(now: datetime) -> Iterator[Figure]:
    live = CreditGrant.objects.live(at=now).order_by().values("wallet__unit", "wallet__unit__name")
    for row in live.annotate(total=Sum("remaining"), number=Count("pk")).order_by("wallet__unit"):
        yield Figure(
            grouped(row["total"]),
            row["wallet__unit__name"],
            {"left": "some", "wallet__unit__code__exact": row["wallet__unit"]},
            note=f"not used yet, in {row['number']:,} grant{'s' if row['number'] > 1 else ''}",
        )
