import json

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from core.admin.columns import linked, pretty_json
from core.admin.records import ReadOnlyAdmin, ReadOnlyInline
from notifications.admin.filters import TypeFilter
from notifications.models import Event, SentEmail, WebhookDelivery


class EventTypeFilter(TypeFilter):
    field = "type"


class EmailsInline(ReadOnlyInline):
    model = SentEmail
    fields = ["to", "status", "attempts", "sent_at", "error"]


class DeliveriesInline(ReadOnlyInline):
    model = WebhookDelivery
    fields = ["endpoint", "status", "attempts", "next_attempt_at", "delivered_at"]


@admin.register(Event)
class EventAdmin(ReadOnlyAdmin):
    list_display = ["public_id", "type", linked("organization"), "key", "occurred_at", "fanned_out"]
    list_filter = [EventTypeFilter, "occurred_at"]
    search_fields = ["public_id", "key", "organization__public_id", "organization__name"]
    search_help_text = "Id, key or organization"
    date_hierarchy = "occurred_at"
    readonly_fields = [
        "public_id",
        "type",
        linked("organization"),
        "key",
        "occurred_at",
        "created_at",
        "fanned_out",
        "webhook_body",
    ]
    fields = tuple(readonly_fields)
    inlines = [EmailsInline, DeliveriesInline]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Event]:
        return super().get_queryset(request).select_related("organization")

    @admin.display(description="written down for sending", boolean=True)
    def fanned_out(self, event: Event) -> bool:
        return event.fanned_out_at is not None

    @admin.display(description="webhook body")
    def webhook_body(self, event: Event) -> str:
        return pretty_json(json.loads(event.body))
