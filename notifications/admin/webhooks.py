from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.views.decorators.http import require_http_methods

from core.admin.actions import for_each
from core.admin.columns import link_to, linked
from core.admin.figures import TROUBLE, Figure, count_of_trouble, figures, recent_since
from core.admin.records import ReadOnlyAdmin, ReadOnlyInline
from core.errors import PortalError
from notifications.admin.filters import TypeFilter
from notifications.forms import WebhookEndpointForm
from notifications.models import WebhookAttempt, WebhookDelivery, WebhookEndpoint
from notifications.services.deliveries import replay_delivery, send_test
from notifications.services.endpoints import create_endpoint, rotate_secret, update_endpoint

WAITING = [WebhookDelivery.Status.PENDING, WebhookDelivery.Status.FAILED]


@admin.register(WebhookEndpoint)
class WebhookEndpointAdmin(admin.ModelAdmin):
    form = WebhookEndpointForm
    list_display = ["public_id", "url", "description", "organization_link", "enabled", "health", "waiting"]
    list_filter = ["enabled", ("failing_since", admin.EmptyFieldListFilter), "created_at"]
    search_fields = ["public_id", "url", "description", "organization__public_id", "organization__name"]
    search_help_text = "Id, URL, description or organization"
    autocomplete_fields = ["organization"]
    actions = ["send_tests"]
    shown = ["public_id", "health", "deliveries_link", "secret_state", "created_at"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[WebhookEndpoint]:
        waiting = Count("deliveries", filter=Q(deliveries__status__in=WAITING))
        return super().get_queryset(request).select_related("organization").annotate(waiting=waiting)

    def get_fields(self, request: HttpRequest, obj: WebhookEndpoint | None = None) -> list[Any]:
        entered = ["url", "organization", "description", "event_types"]
        return [*entered, "enabled", *self.shown] if obj else entered

    def get_readonly_fields(self, request: HttpRequest, obj: WebhookEndpoint | None = None) -> list[str]:
        return ["organization", *self.shown] if obj else []

    def has_delete_permission(self, request: HttpRequest, obj: WebhookEndpoint | None = None) -> bool:
        return False  # its deliveries are a record; disable it instead

    def save_model(self, request: HttpRequest, obj: WebhookEndpoint, form: Any, change: bool) -> None:
        entered = form.cleaned_data
        if change:
            update_endpoint(
                endpoint=obj,
                url=entered["url"],
                event_types=entered["event_types"],
                description=entered["description"],
                enabled=entered["enabled"],
            )
        else:
            made = create_endpoint(
                url=entered["url"],
                organization=entered["organization"],
                event_types=entered["event_types"],
                description=entered["description"],
            )
            obj.__dict__.update(made.__dict__)  # the admin goes on with its own object

    def response_add(
        self, request: HttpRequest, obj: WebhookEndpoint, post_url_continue: str | None = None
    ) -> HttpResponse:
        return self._secret_once(request, obj)

    def get_urls(self) -> list[URLPattern]:
        rotate = self.admin_site.admin_view(require_http_methods(["GET", "POST"])(self.rotate))
        own = path("<int:pk>/rotate/", rotate, name="notifications_webhookendpoint_rotate")
        return [own, *super().get_urls()]

    def rotate(self, request: HttpRequest, pk: int) -> HttpResponse:
        endpoint = get_object_or_404(WebhookEndpoint, pk=pk)
        if not self.has_change_permission(request, endpoint):
            raise PermissionDenied
        if request.method == "POST":
            endpoint = rotate_secret(endpoint=endpoint, now=timezone.now())
            self.log_change(request, endpoint, "Rotated the secret.")
            return self._secret_once(request, endpoint)
        context = {**self.admin_site.each_context(request), "title": "Rotate the secret", "endpoint": endpoint}
        return TemplateResponse(request, "notifications/admin/rotate.html", context)

    def _secret_once(self, request: HttpRequest, endpoint: WebhookEndpoint) -> HttpResponse:
        context = {**self.admin_site.each_context(request), "title": "Copy the secret now", "endpoint": endpoint}
        return TemplateResponse(request, "notifications/admin/secret_once.html", context)

    @admin.action(description="Send a test", permissions=["change"])
    def send_tests(self, request: HttpRequest, queryset: QuerySet[WebhookEndpoint]) -> HttpResponse | None:
        for endpoint in queryset:
            try:
                delivery = send_test(endpoint=endpoint, now=timezone.now())
            except PortalError as refusal:
                self.message_user(request, refusal.message, messages.ERROR)
            else:
                outcome = format_html("A test is on its way: {}.", link_to(delivery))
                self.message_user(request, outcome, messages.SUCCESS)
        return redirect("admin:notifications_webhookendpoint_changelist")

    @admin.display(description="organization", ordering="organization__name")
    def organization_link(self, endpoint: WebhookEndpoint) -> str:
        return link_to(endpoint.organization) if endpoint.organization else "all"

    @admin.display(description="health")
    def health(self, endpoint: WebhookEndpoint) -> str:
        if endpoint.disabled_reason:
            return endpoint.disabled_reason
        if endpoint.failing_since:
            return f"Failing since {endpoint.failing_since:%-d %b %Y, %H:%M} UTC"
        return "Fine"

    @admin.display(description="waiting", ordering="waiting")
    def waiting(self, endpoint: WebhookEndpoint) -> int:
        return endpoint.waiting  # type: ignore[attr-defined]  # annotated by get_queryset

    @admin.display(description="deliveries")
    def deliveries_link(self, endpoint: WebhookEndpoint) -> str:
        url = reverse("admin:notifications_webhookdelivery_changelist")
        return format_html('<a href="{}?endpoint__id__exact={}">All its deliveries</a>', url, endpoint.pk)

    @admin.display(description="secret")
    def secret_state(self, endpoint: WebhookEndpoint) -> str:
        url = reverse("admin:notifications_webhookendpoint_rotate", args=[endpoint.pk])
        until = endpoint.previous_secret_until
        before = f"The one before it signs as well until {until:%-d %b %Y, %H:%M} UTC. " if until else ""
        return format_html('Shown once, when it was made. {}<a href="{}">Rotate it</a>', before, url)


class AttemptsInline(ReadOnlyInline):
    model = WebhookAttempt
    fields = ["created_at", "status_code", "duration_ms", "error", "response_excerpt"]
    show_change_link = False


@admin.register(WebhookDelivery)
class WebhookDeliveryAdmin(ReadOnlyAdmin):
    list_display = [
        "created_at",
        linked("event"),
        linked("endpoint"),
        "status",
        "last_status_code",
        "attempts",
        "next_attempt_at",
        linked("event__organization"),
    ]
    list_filter = [
        "status",
        TypeFilter,
        ("endpoint", admin.RelatedOnlyFieldListFilter),
        ("endpoint__organization", admin.RelatedOnlyFieldListFilter),
        "created_at",
    ]
    search_fields = [
        "event__public_id",
        "event__organization__public_id",
        "event__organization__name",
        "endpoint__public_id",
        "endpoint__url",
    ]
    search_help_text = "Event id, organization or endpoint"
    readonly_fields = [
        linked("event"),
        linked("endpoint"),
        linked("event__organization"),
        "status",
        "attempts",
        "retry_from",
        "next_attempt_at",
        "delivered_at",
        "created_at",
    ]
    fields = tuple(readonly_fields)
    inlines = [AttemptsInline]
    actions = ["replay"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[WebhookDelivery]:
        related = super().get_queryset(request).select_related("event__organization", "endpoint")
        return related.prefetch_related("attempt_log")

    def has_replay_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("notifications.replay_webhookdelivery")

    @admin.action(description="Replay: send again under the same id", permissions=["replay"])
    def replay(self, request: HttpRequest, queryset: QuerySet[WebhookDelivery]) -> None:
        if queued := for_each(request, queryset, lambda each: replay_delivery(delivery=each, now=timezone.now())):
            self.message_user(request, f"{queued} queued for delivery.", messages.SUCCESS)

    @admin.display(description="last status")
    def last_status_code(self, delivery: WebhookDelivery) -> str:
        attempts = list(delivery.attempt_log.all())
        return str(attempts[-1].status_code or "no answer") if attempts else "–"


@figures(TROUBLE, WebhookEndpoint, order=40)
def failing_endpoints(now: datetime) -> Iterator[Figure]:
    number = WebhookEndpoint.objects.filter(enabled=True, failing_since__isnull=False).count()
    yield count_of_trouble(number, "failing webhook endpoints", {"enabled__exact": 1, "failing_since__isempty": 0})


@figures(TROUBLE, WebhookDelivery, order=41)
def deliveries_given_up(now: datetime) -> Iterator[Figure]:
    since, given_up = recent_since(now), WebhookDelivery.Status.EXHAUSTED
    number = WebhookDelivery.objects.filter(status=given_up, created_at__gte=since).count()
    yield count_of_trouble(
        number,
        "webhook deliveries given up, last 30 days",
        {"status__exact": given_up.value, "created_at__gte": since},
    )
