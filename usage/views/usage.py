"""The usage pages of an organization."""

from datetime import UTC, datetime

from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_GET

from accounts.permissions import Permission
from accounts.scoping import OrganizationRequest, organization_page
from core.csv_export import csv_lines
from plans.models import Meter
from plans.terms_in_force import terms_for
from usage import presentation
from usage.models import UsageCounter, UsageHold
from usage.services.entitlements import entitlements, meters_of
from usage.services.estimates import billed_so_far, compare_plans, forecast
from usage.services.history import a_year_back, by_month, usage_by_day

HOLDS_SHOWN = 20
DAYS_SHOWN = 31


@organization_page(Permission.VIEW)
@require_GET
def overview(request: OrganizationRequest) -> HttpResponse:
    """Every meter of the plan, and those that were used before."""
    now, organization = timezone.now(), request.organization
    meters = meters_of(organization=organization, now=now)
    used_before = UsageCounter.objects.filter(organization=organization).values("meter")
    meters += Meter.objects.in_use().filter(pk__in=used_before).exclude(pk__in=[meter.pk for meter in meters])
    answers = entitlements(organization=organization, meters=meters, now=now)
    return render(
        request,
        "usage/overview.html",
        {
            "now": now,
            "terms": answers[0].snapshot.terms if answers else None,
            "lines": [presentation.meter_line(answer) for answer in answers],
            "notices": [notice for answer in answers if (notice := presentation.notice_of(answer))],
            "holds": _open_holds(request, now),
            "comparisons": compare_plans(organization=organization, now=now),
        },
    )


@organization_page(Permission.VIEW)
@require_GET
def meter(request: OrganizationRequest, code: str) -> HttpResponse:
    """One meter: this window, twelve months, the last days."""
    now, organization = timezone.now(), request.organization
    found = _meter_or_404(request, code, now)
    answer = entitlements(organization=organization, meters=[found], now=now)[0]
    points = usage_by_day(
        organization=organization, meter=found, first=a_year_back(now.date()), last=now.date(), now=now
    )
    months = by_month(points, is_reading=found.aggregation == Meter.Aggregation.LATEST)
    days = [point for point in reversed(points[-DAYS_SHOWN:]) if point.quantity or point.billable]
    return render(
        request,
        "usage/meter.html",
        {
            "now": now,
            "meter": found,
            "snapshot": answer.snapshot,
            "line": presentation.meter_line(answer),
            "notice": presentation.notice_of(answer),
            "forecast": forecast(answer.snapshot),
            "billed": presentation.billed_money(answer.snapshot, billed_so_far(answer.snapshot)),
            "chart": presentation.chart(months),
            "days": presentation.day_table(days),
            "holds": _open_holds(request, now, found),
            "has_usage": any(point.quantity for point in points),
        },
    )


@organization_page(Permission.VIEW)
@require_GET
def download(request: OrganizationRequest, code: str) -> StreamingHttpResponse:
    """Twelve months of one meter, by day or by month, as a CSV that a spreadsheet opens without running anything."""
    now = timezone.now()
    found = _meter_or_404(request, code, now)
    points = usage_by_day(
        organization=request.organization, meter=found, first=a_year_back(now.date()), last=now.date(), now=now
    )
    group = "month" if request.GET.get("group_by") == "month" else "day"
    if group == "month":
        points = by_month(points, is_reading=found.aggregation == Meter.Aggregation.LATEST)
    response = StreamingHttpResponse(
        csv_lines(presentation.csv_rows(found.code, points)), content_type="text/csv; charset=utf-8"
    )
    name = f"usage-{found.code}-by-{group}-{datetime.now(UTC):%Y-%m-%d}.csv"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _meter_or_404(request: OrganizationRequest, code: str, now: datetime) -> Meter:
    """A meter of the organization's plan, or one that it used before."""
    found = get_object_or_404(Meter, code=code)
    counters = UsageCounter.objects.filter(organization=request.organization, meter=found)
    if code not in terms_for(organization=request.organization, at=now).meters and not counters.exists():
        raise Http404("This organization has no such meter.")
    return found


def _open_holds(request: OrganizationRequest, now: datetime, meter: Meter | None = None) -> list[UsageHold]:
    holds = UsageHold.objects.of(request.organization).open(at=now).select_related("meter")
    return list((holds.filter(meter=meter) if meter else holds)[:HOLDS_SHOWN])
