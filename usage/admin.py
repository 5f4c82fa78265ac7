"""Usage in the back office: everything to look at, nothing to change, and a page to try an event on."""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from io import BytesIO
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet, Sum
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone
from rest_framework.exceptions import ParseError

from accounts.admin.shared import ReadOnlyAdmin, ReadOnlyInline, linked
from accounts.api.parsers import ExactJSONParser
from accounts.figures import Figure, Panel, count_of_trouble, figures
from accounts.models import Organization
from credits.admin.shared import RecordAdmin, quantity
from plans.models import Meter
from usage.models import Settlement, SettlementDraw, TallyRun, TallyTrouble, UsageCounter, UsageEvent, UsageHold
from usage.services.trial import Trial, try_event

SAMPLE = {"status": "success", "quantity": "1", "duration_ms": 6000, "properties": {}}


class TrialForm(forms.Form):
    """A sample event, against a meter and an organization."""

    organization = forms.CharField(help_text="Public id, org_…")
    meter = forms.ModelChoiceField(Meter.objects.in_use())
    event = forms.CharField(
        widget=forms.Textarea(attrs={"rows": 10, "cols": 80}),
        help_text="JSON as the product would send it, without id, organization and meter.",
    )

    def clean_organization(self) -> Organization:
        found = Organization.objects.filter(public_id=self.cleaned_data["organization"].strip()).first()
        if found is None:
            raise forms.ValidationError("There is no organization with this id.")
        return found

    def clean_event(self) -> dict[str, Any]:
        try:
            event = ExactJSONParser().parse(BytesIO(self.cleaned_data["event"].encode()))
        except ParseError as problem:
            raise forms.ValidationError(str(problem.detail)) from None
        if not isinstance(event, dict):
            raise forms.ValidationError("An event is an object: {…}.")
        return event


@admin.register(UsageEvent)
class UsageEventAdmin(RecordAdmin):
    change_list_template = "admin/usage/usageevent/change_list.html"
    list_display = [
        "event_id",
        linked("organization"),
        "meter",
        "event_at",
        quantity("quantity"),
        "counts_now",
        "not_billable",
    ]
    list_filter = ["meter", "billable", ("voided_at", admin.EmptyFieldListFilter)]
    search_fields = ["=event_id", "=organization__public_id"]
    search_help_text = "The whole id of an event or of an organization"
    list_select_related = ["organization", "meter"]
    # Ten million rows are not counted to show a page of them.
    show_full_result_count = False
    list_per_page = 50

    def get_urls(self) -> list[URLPattern]:
        own = path("try/", self.admin_site.admin_view(self.try_page), name="usage_usageevent_try")
        return [own, *super().get_urls()]

    def try_page(self, request: HttpRequest) -> HttpResponse:
        """What would happen to an event, without anything happening."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        form = TrialForm(request.POST or None, initial={"event": json.dumps(SAMPLE, indent=2)})
        trial: Trial | None = None
        if request.method == "POST" and form.is_valid():
            asked = form.cleaned_data
            trial = try_event(
                organization=asked["organization"], meter=asked["meter"], event=asked["event"], now=timezone.now()
            )
        context = self.admin_site.each_context(request) | {
            "title": "Try an event",
            "opts": self.opts,
            "form": form,
            "trial": trial,
        }
        return TemplateResponse(request, "admin/usage/usageevent/try.html", context)

    @admin.display(description="counts", boolean=True)
    def counts_now(self, event: UsageEvent) -> bool:
        return event.counts


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


class TallyTroubleInline(ReadOnlyInline):
    model = TallyTrouble
    show_change_link = False


@admin.register(TallyRun)
class TallyRunAdmin(ReadOnlyAdmin):
    list_display = ["started_at", "finished_at", "organizations", "events", quantity("credits"), "seconds", "errors"]
    list_filter = ["started_at", ("finished_at", admin.EmptyFieldListFilter)]
    inlines = [TallyTroubleInline]

    def get_queryset(self, request: HttpRequest) -> QuerySet[TallyRun]:
        return super().get_queryset(request).prefetch_related("troubles")


@figures(Panel.TROUBLE, TallyRun, order=60)
def tally_errors(now: datetime) -> Iterator[Figure]:
    """Of a whole day: a later run of one organization alone would hide those of the last run of all."""
    since = (now - timedelta(days=1)).replace(minute=0, second=0, microsecond=0)
    number = TallyRun.objects.filter(started_at__gte=since).aggregate(errors=Sum("errors", default=0))["errors"]
    yield count_of_trouble(number, "tally errors, last 24 hours", {"started_at__gte": since, "errors__gt": 0})
