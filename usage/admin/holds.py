"""What is set aside for running jobs."""

from django.contrib import admin
from django.utils import timezone

from core.admin.columns import linked, quantity
from core.admin.records import RecordAdmin
from usage.models import UsageHold


@admin.register(UsageHold)
class UsageHoldAdmin(RecordAdmin):
    list_display = [
        "public_id",
        linked("organization"),
        "meter",
        quantity("quantity"),
        quantity("from_allowance"),
        quantity("from_credits"),
        "status_now",
        "expires_at",
    ]
    list_filter = ["status", "meter", "created_at"]
    search_fields = ["=public_id", "=reference", "=organization__public_id", "organization__name"]
    list_select_related = ["organization", "meter"]

    @admin.display(description="status")
    def status_now(self, hold: UsageHold) -> str:
        return hold.status_at(timezone.now())
