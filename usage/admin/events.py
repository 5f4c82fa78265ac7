"""An event in the back office, and a page to try one on."""

import json
from io import BytesIO
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone
from rest_framework.exceptions import ParseError

from accounts.models import Organization
from core.admin.columns import linked, quantity
from core.admin.records import RecordAdmin
from core.api.parsers import ExactJSONParser
from plans.models import Meter
from usage.models import UsageEvent
from usage.services.sample_event import SampleResult, try_event

SAMPLE = {"status": "success", "quantity": "1", "duration_ms": 6000, "properties": {}}


class SampleEventForm(forms.Form):
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
        form = SampleEventForm(request.POST or None, initial={"event": json.dumps(SAMPLE, indent=2)})
        result: SampleResult | None = None
        if request.method == "POST" and form.is_valid():
            asked = form.cleaned_data
            result = try_event(
                organization=asked["organization"], meter=asked["meter"], event=asked["event"], now=timezone.now()
            )
        context = self.admin_site.each_context(request) | {
            "title": "Try an event",
            "opts": self.opts,
            "form": form,
            "result": result,
        }
        return TemplateResponse(request, "admin/usage/usageevent/try.html", context)

    @admin.display(description="counts", boolean=True)
    def counts_now(self, event: UsageEvent) -> bool:
        return event.counts
