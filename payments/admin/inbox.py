"""The inbox: Stripe's events and what became of them, with replay."""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

from django.contrib import admin, messages
from django.db.models import Case, CharField, OuterRef, QuerySet, Subquery, When
from django.db.models.fields.json import KT
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.views.decorators.http import require_POST

from core.admin.columns import pretty_json
from core.admin.figures import TROUBLE, Figure, count_of_trouble, figures
from core.admin.records import ReadOnlyAdmin
from payments import inbox
from payments.admin.stripe_dashboard import dashboard_link
from payments.models import Customer, InboxRefusal, StripeEvent


@admin.register(StripeEvent)
class StripeEventAdmin(ReadOnlyAdmin):
    """Staff with that permission can replay an event or give it up; nothing else about it can change."""

    change_form_template = "admin/payments/stripeevent/change_form.html"
    list_display = [
        "type",
        "status",
        "organization",
        "object_at_stripe",
        "created",
        "attempts",
        "next_attempt_at",
        "trouble",
    ]
    list_filter = ["status", "received_at", "object_type", ("mirror_error", admin.EmptyFieldListFilter)]
    search_fields = ["=stripe_id", "=object_id", "type"]
    search_help_text = "Stripe's id of the event or of its object, or part of the event's type"
    date_hierarchy = "received_at"
    list_per_page = 50
    show_full_result_count = False
    actions = ["replay_selected", "ignore_selected"]
    fieldsets = [
        (None, {"fields": ["type", "object_at_stripe", "organization", "created", "received_at"]}),
        (
            "What became of it",
            {"fields": ["status", "attempts", "next_attempt_at", "processed_at", "last_error", "mirror_error"]},
        ),
        ("As it was delivered", {"classes": ["collapse"], "fields": ["stripe_id", "api_version", "payload_pretty"]}),
    ]

    def has_replay_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("payments.replay_stripeevent")

    def get_queryset(self, request: HttpRequest) -> QuerySet[StripeEvent]:
        named = KT("payload__data__object__customer")
        customer_id = Case(When(object_type="customer", then="object_id"), default=named, output_field=CharField())
        owner = Customer.objects.filter(stripe_id=OuterRef("customer_id"))
        return (
            super()
            .get_queryset(request)
            .annotate(customer_id=customer_id)
            .annotate(
                organization_pk=Subquery(owner.values("organization")),
                organization_name=Subquery(owner.values("organization__name")),
            )
        )

    @admin.display(description="object")
    def object_at_stripe(self, event: StripeEvent) -> str:
        return dashboard_link(event.object_id)

    @admin.display(description="organization")
    def organization(self, event: Any) -> str:
        if event.organization_pk is None:
            return "–"
        url = reverse("admin:accounts_organization_change", args=[event.organization_pk])
        return format_html('<a href="{}">{}</a>', url, event.organization_name)

    @admin.display(description="trouble")
    def trouble(self, event: StripeEvent) -> str:
        words = event.last_error or event.mirror_error
        return words if len(words) <= 80 else f"{words[:80]}…"

    @admin.display(description="payload")
    def payload_pretty(self, event: StripeEvent) -> str:
        return pretty_json(event.payload)

    @admin.action(description="Replay selected events", permissions=["replay"])
    def replay_selected(self, request: HttpRequest, queryset: QuerySet[StripeEvent]) -> None:
        for event in queryset:
            self._replay(request, event)

    @admin.action(description="Ignore selected events: do not try them again", permissions=["replay"])
    def ignore_selected(self, request: HttpRequest, queryset: QuerySet[StripeEvent]) -> None:
        for event in queryset:
            self._ignore(request, event)

    def get_urls(self) -> list[URLPattern]:
        def one(do: Callable[[HttpRequest, StripeEvent], None]) -> Callable[..., HttpResponse]:
            return self.admin_site.admin_view(require_POST(lambda request, pk: self._do_one(request, pk, do)))

        return [
            path("<int:pk>/replay/", one(self._replay), name="payments_stripeevent_replay"),
            path("<int:pk>/ignore/", one(self._ignore), name="payments_stripeevent_ignore"),
            *super().get_urls(),
        ]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        context = (extra_context or {}) | {"may_replay": self.has_replay_permission(request)}
        return super().change_view(request, object_id, form_url, context)

    def _do_one(
        self, request: HttpRequest, pk: int, do: Callable[[HttpRequest, StripeEvent], None]
    ) -> HttpResponseRedirect:
        event = get_object_or_404(StripeEvent, pk=pk)
        if self.has_replay_permission(request):
            do(request, event)
        else:
            self.message_user(request, "You may not replay or ignore events.", messages.ERROR)
        return HttpResponseRedirect(reverse("admin:payments_stripeevent_change", args=[pk]))

    def _replay(self, request: HttpRequest, event: StripeEvent) -> None:
        outcome = inbox.replay(event=event, now=timezone.now())
        if outcome is None:
            self.message_user(request, f"{event}: a worker has it in hand right now.", messages.WARNING)
        elif outcome.status == StripeEvent.Status.FAILED:
            self.message_user(request, f"{event}: failed again: {outcome.last_error}", messages.ERROR)
        else:
            self.message_user(request, f"{event}: {outcome.get_status_display().lower()}.", messages.SUCCESS)

    def _ignore(self, request: HttpRequest, event: StripeEvent) -> None:
        if inbox.ignore(event=event, now=timezone.now()):
            self.message_user(request, f"{event}: it is not tried again.", messages.SUCCESS)
        else:
            self.message_user(request, f"{event}: it was finished already.", messages.WARNING)


@figures(TROUBLE, StripeEvent, order=10)
def failed_events(now: datetime) -> Iterator[Figure]:
    failed = StripeEvent.Status.FAILED
    number = StripeEvent.objects.filter(status=failed).count()
    yield count_of_trouble(number, "failed Stripe events", {"status__exact": failed.value})


@admin.register(InboxRefusal)
class InboxRefusalAdmin(ReadOnlyAdmin):
    list_display = ["day", "reason", "count"]
    list_filter = ["reason"]
    date_hierarchy = "day"
