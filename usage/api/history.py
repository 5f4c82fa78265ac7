"""Reading usage back."""

from dataclasses import asdict
from datetime import date
from typing import Any

from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.organizations import organization_or_404
from core.api.schema import NOT_BLANK_PATTERN
from core.api.serializers import validated
from core.errors import InvalidInput
from plans.models import Meter, Subscription
from usage.api import serializers
from usage.api.entitlements import meter_or_404
from usage.presentation import percent_of
from usage.services.entitlements import meters_of
from usage.services.estimates import billed_so_far
from usage.services.history import a_year_back, by_month, usage_by_day
from usage.services.meter_snapshots import MeterSnapshot, meter_snapshots

MOST_DAYS = 800
ORGANIZATION = {"type": "string", "minLength": 1, "maxLength": 40, "pattern": NOT_BLANK_PATTERN}
METER = ORGANIZATION | {"maxLength": 60}


class UsageView(APIView):
    @extend_schema(
        operation_id="usage_read",
        summary="Read usage over time",
        description="By day or calendar month (UTC), and how it was paid: from what is included, from credits, billed, "
        "or not paid yet.",
        parameters=[
            OpenApiParameter("meter", METER, required=True),
            OpenApiParameter(
                "from",
                serializers.DAY,
                description="The first day, or a time in it; by default the first of the month a year back.",
            ),
            OpenApiParameter("to", serializers.DAY, description="The last day, or a time in it; today by default."),
            OpenApiParameter("group_by", str, enum=["day", "month"], description="`day` by default."),
        ],
        responses=serializers.UsageSeriesSerializer,
    )
    def get(self, request: Request, organization: str) -> Response:
        found = organization_or_404(request, organization)
        asked = validated(serializers.UsageQuerySerializer, request.query_params)
        meter, now = meter_or_404(asked["meter"]), timezone.now()
        first, last = _days(asked, now.date())
        points = usage_by_day(organization=found, meter=meter, first=first, last=last, now=now)
        if asked["group_by"] == "month":
            points = by_month(points, is_reading=meter.aggregation == Meter.Aggregation.LATEST)
        series = serializers.UsagePointSerializer([asdict(point) for point in points], many=True).data
        return Response({"meter": meter.code, "unit": meter.unit_name, "series": series})


class BillingUsageView(APIView):
    @extend_schema(
        operation_id="billing_usage",
        summary="Read what this window costs so far",
        parameters=[OpenApiParameter("organization", ORGANIZATION, required=True, description="`org_…`")],
        responses=serializers.BillingUsageSerializer,
    )
    def get(self, request: Request) -> Response:
        asked = validated(serializers.BillingUsageQuerySerializer, request.query_params)
        organization, now = organization_or_404(request, asked["organization"]), timezone.now()
        base = Subscription.objects.base_of(organization)
        statuses = meter_snapshots(
            [(organization, meter) for meter in meters_of(organization=organization, now=now)], at=now
        )
        meters = [_meter(status) for status in statuses]
        terms = statuses[0].terms if statuses else None
        currency = next((s.meter_terms.currency for s in statuses if s.meter_terms and s.meter_terms.currency), None)
        answer = {
            "plan": terms.plan if terms else None,
            "interval": terms.interval if terms else None,
            "status": "suspended" if organization.suspended_at else base.status if base else "free",
            "window_start": terms.window.start if terms else None,
            "window_end": terms.window.end if terms else None,
            "currency": currency or (base.plan.currency if base else None),
            "estimated_cost": sum(meter["estimated_cost"] for meter in meters),
            "meters": meters,
        }
        return Response(serializers.BillingUsageSerializer(answer).data)


def _days(asked: dict[str, Any], today: date) -> tuple[date, date]:
    """Raises InvalidInput for a span that ends before it begins or is too long."""
    last = asked.get("to", today)
    first = asked.get("from", a_year_back(min(last, today)))
    if first > last:
        raise InvalidInput("from must not lie after to.", field="from")
    if (last - first).days >= MOST_DAYS:
        raise InvalidInput(f"from and to may lie at most {MOST_DAYS} days apart.", field="from")
    if first.year < 2000 or last.year > today.year + 1:
        raise InvalidInput("from and to must lie between 2000 and next year.", field="from")
    return first, last


def _meter(status: MeterSnapshot) -> dict[str, Any]:
    included = status.meter_terms.included if status.meter_terms else None
    return {
        "meter": status.meter.code,
        "used": status.use.used,
        "included": included,
        "percent": percent_of(status.use.used, included),
        "estimated_cost": billed_so_far(status),
    }
