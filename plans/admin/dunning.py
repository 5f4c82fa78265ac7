"""Overdue invoices: what happened, and what happens next and when."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.html import format_html

from core.admin.columns import linked
from core.admin.figures import TROUBLE, Figure, count_of_trouble, figures
from core.admin.records import ReadOnlyAdmin, ReadOnlyInline
from plans.models import DunningCase, DunningStep


class StepInline(ReadOnlyInline):
    model = DunningStep
    fields = ["attempt", "kind", "taken_at"]


@admin.register(DunningCase)
class DunningCaseAdmin(ReadOnlyAdmin):
    list_display = [
        "invoice",
        linked("organization"),
        "cause",
        "money",
        "attempts",
        "state",
        "first_failed_at",
        "next_step",
    ]
    list_filter = ["state", "subscription__role", "subscription__dunning_status", "first_failed_at"]
    search_fields = [
        "=stripe_invoice_id",
        "=invoice_number",
        "organization__name",
        "=organization__public_id",
        "=subscription__stripe_id",
        "=pack_subscription__stripe_subscription",
    ]
    list_select_related = ["organization", "subscription__plan", "pack_subscription__pack"]
    date_hierarchy = "first_failed_at"
    readonly_fields = ["next_step", "hosted_page"]
    inlines = [StepInline]

    def get_fields(self, request: HttpRequest, obj: object = None) -> Any:
        return [
            "organization", "subscription", "pack_subscription", "stripe_invoice_id", "invoice_number", "hosted_page",
            "money", "attempts", "state", "first_failed_at", "next_attempt_at", "resolved_at", "next_step",
        ]  # fmt: skip

    @admin.display(description="invoice")
    def invoice(self, case: DunningCase) -> str:
        return case.invoice_number or case.stripe_invoice_id

    @admin.display(description="for", ordering="subscription__plan__name")
    def cause(self, case: DunningCase) -> str:
        role = case.subscription.get_role_display().lower() if case.subscription else "recurring pack"
        return f"{case.what} ({role})"

    @admin.display(description="where it can be paid")
    def hosted_page(self, case: DunningCase) -> str:
        return format_html('<a href="{0}">{0}</a>', case.hosted_invoice_url) if case.hosted_invoice_url else "–"


@figures(TROUBLE, DunningCase, order=20)
def open_cases(now: datetime) -> Iterator[Figure]:
    number = DunningCase.objects.open().count()
    yield count_of_trouble(number, "overdue invoices", {"state__exact": DunningCase.State.OPEN.value})
