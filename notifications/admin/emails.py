from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html

from core.admin.actions import for_each
from core.admin.columns import linked
from core.admin.records import ReadOnlyAdmin
from notifications.admin.filters import TypeFilter
from notifications.models import SentEmail
from notifications.services.emails import resend_email


@admin.register(SentEmail)
class SentEmailAdmin(ReadOnlyAdmin):
    list_display = ["created_at", "to", "__str__", "status", "attempts", linked("organization"), linked("event")]
    list_display_links = ["created_at", "__str__"]
    list_filter = ["status", TypeFilter, "created_at"]
    search_fields = ["to", "subject", "event__public_id", "organization__public_id", "organization__name"]
    search_help_text = "Address, subject, event id or organization"
    readonly_fields = [
        "to",
        "subject",
        "status",
        "attempts",
        "next_attempt_at",
        "sent_at",
        "error",
        linked("organization"),
        linked("event"),
        "confidential",
        "text_sent",
    ]
    fields = tuple(readonly_fields)
    actions = ["resend"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[SentEmail]:
        return super().get_queryset(request).select_related("organization", "event")

    def has_resend_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("notifications.resend_sentemail")

    @admin.action(description="Send again", permissions=["resend"])
    def resend(self, request: HttpRequest, queryset: QuerySet[SentEmail]) -> None:
        if queued := for_each(request, queryset, lambda email: resend_email(email=email, now=timezone.now())):
            self.message_user(request, f"{queued} queued for sending.", messages.SUCCESS)

    @admin.display(description="text")
    def text_sent(self, email: SentEmail) -> str:
        if email.confidential and not email.sent_at:
            return "Not shown: it holds a secret for its receiver."
        return format_html("<pre>{}</pre>", email.text or "Written when it is first sent.")
