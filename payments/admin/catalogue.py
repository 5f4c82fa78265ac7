"""What of our catalogue is at Stripe."""

from django.contrib import admin

from core.admin.records import ReadOnlyAdmin
from payments.admin.stripe_dashboard import dashboard_link
from payments.models import CatalogueEntry


@admin.register(CatalogueEntry)
class CatalogueEntryAdmin(ReadOnlyAdmin):
    """Changed by `sync_catalog` alone. What is superseded is off sale, and kept by those who subscribed to it."""

    list_display = ["code", "kind", "at_stripe", "synced_at", "superseded_at"]
    list_filter = ["kind", ("superseded_at", admin.EmptyFieldListFilter)]
    search_fields = ["code", "=stripe_id"]
    fields = ["kind", "code", "at_stripe", "synced_at", "created_at", "superseded_at"]

    @admin.display(description="at Stripe", ordering="stripe_id")
    def at_stripe(self, entry: CatalogueEntry) -> str:
        return dashboard_link(entry.stripe_id)
