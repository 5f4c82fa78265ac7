"""Meters, what they cost in credits, and the own prices of single organizations."""

from typing import Any

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from django.utils import timezone

from core.admin.columns import linked
from plans import hooks
from plans.admin.reminders import remind_to_sync
from plans.models import CreditRate, LadderOverride, Meter
from plans.services.plan_revisions import publish_terms


class CreditRateInline(admin.StackedInline):
    model = CreditRate
    extra = 0
    fields = ["unit", "position", "ladder"]


@admin.register(Meter)
class MeterAdmin(admin.ModelAdmin):
    list_display = ["name", "code", "aggregation", "unit_name", "counts", "rates", "retired"]
    list_filter = ["aggregation", "retired"]
    search_fields = ["name", "code"]
    inlines = [CreditRateInline]
    fieldsets = [
        (None, {"fields": ["code", "name", "aggregation", "unit_name", "retired"]}),
        (
            "Which events count",
            {"fields": ["billable_statuses", "min_duration_ms", "max_latency_ms", "property_bounds"]},
        ),
    ]

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> list[str]:
        return ["code", "aggregation"] if obj else []

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        publish_terms(now=timezone.now())
        remind_to_sync(request)

    @admin.display(description="counts")
    def counts(self, meter: Meter) -> str:
        more = [
            meter.min_duration_ms is not None and f"at least {meter.min_duration_ms} ms long",
            meter.max_latency_ms is not None and f"at most {meter.max_latency_ms} ms latency",
            *meter.property_bounds,
        ]
        return ", ".join(filter(None, [" or ".join(meter.billable_statuses), *more]))

    @admin.display(description="credits for one")
    def rates(self, meter: Meter) -> str:
        return "; ".join(f"{rate.unit_id}: {rate.ladder}" for rate in meter.credit_rates.all()) or "none"


@admin.register(LadderOverride)
class LadderOverrideAdmin(admin.ModelAdmin):
    """Own prices are ended, not edited away: what was used keeps the price of its time."""

    list_display = ["meter", linked("organization"), "instead_of", "ladder_in_words", "starts_at", "ends_at", "reason"]
    list_filter = ["meter", "starts_at"]
    search_fields = ["organization__name", "=organization__public_id", "meter__code", "reason"]
    autocomplete_fields = ["organization", "meter"]
    fields = ["organization", "meter", "unit", "ladder", "starts_at", "ends_at", "reason"]
    list_select_related = ["organization", "meter", "unit"]

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> list[str]:
        return ["organization", "meter", "unit", "starts_at", "ladder_in_words"] if obj else []

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        fields = list(self.fields or [])
        return ["ladder_in_words" if name == "ladder" else name for name in fields] if obj else fields

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: LadderOverride, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        since = obj.ends_at if change and obj.ends_at else obj.starts_at
        hooks.terms_changed(organization=obj.organization, since=since, now=timezone.now())
        if obj.unit_id is None:
            remind_to_sync(request)

    @admin.display(description="instead of")
    def instead_of(self, override: LadderOverride) -> str:
        return f"{override.unit.name} rate" if override.unit else "price in money"

    @admin.display(description="price")
    def ladder_in_words(self, override: LadderOverride) -> str:
        return str(override.ladder)
