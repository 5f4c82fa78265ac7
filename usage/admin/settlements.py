"""How usage was paid."""

from django.contrib import admin

from core.admin.columns import linked, quantity
from core.admin.records import ReadOnlyInline, RecordAdmin
from usage.models import Settlement, SettlementDraw


class SettlementDrawInline(ReadOnlyInline):
    model = SettlementDraw
    readonly_fields = [
        "created_at",
        "unit",
        quantity("quantity"),
        quantity("charged"),
        quantity("restored_quantity"),
        quantity("restored"),
        "reference",
    ]
    fields = [*readonly_fields]
    show_change_link = False


@admin.register(Settlement)
class SettlementAdmin(RecordAdmin):
    list_display = [
        "meter",
        linked("organization"),
        "window_start",
        quantity("used"),
        quantity("included"),
        quantity("overage"),
        quantity("from_credits"),
        quantity("billed"),
        quantity("unpaid"),
        "settled_at",
    ]
    list_filter = ["meter", "settled_at"]
    search_fields = ["=organization__public_id", "organization__name"]
    list_select_related = ["organization", "meter"]
    inlines = [SettlementDrawInline]
    ordering = ["-settled_at"]
