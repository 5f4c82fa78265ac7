"""What was counted, by day."""

from django.contrib import admin

from core.admin.columns import quantity
from core.admin.records import RecordAdmin
from usage.models import UsageCounter


@admin.register(UsageCounter)
class UsageCounterAdmin(RecordAdmin):
    list_display = [
        "organization",
        "meter",
        "day",
        "window_start",
        "events",
        quantity("quantity"),
        quantity("billable"),
    ]
    list_filter = ["meter"]
    search_fields = ["=organization__public_id"]
    search_help_text = "The whole id of an organization"
    date_hierarchy = "day"
    list_select_related = ["organization", "meter"]
    ordering = ["-day", "organization"]
    show_full_result_count = False
