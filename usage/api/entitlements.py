"""Asking whether something may be used."""

from decimal import Decimal

from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.organizations import organization_or_404
from core.api.pagination import whole
from core.api.schema import POSITIVE_PATTERN, page_of
from core.api.serializers import validated
from core.errors import NotFound
from core.prepared_statements import row_by
from plans.models import Meter
from usage.api import serializers
from usage.services.entitlements import entitlements, meters_of

QUANTITY = OpenApiParameter(
    "quantity", {"type": "string", "pattern": POSITIVE_PATTERN}, description="How much more is wanted; 1 by default."
)


class EntitlementListView(APIView):
    @extend_schema(
        operation_id="entitlements_list",
        summary="Read all entitlements",
        description="One for each meter of the plan.",
        parameters=[QUANTITY],
        responses=page_of(serializers.EntitlementSerializer),
    )
    def get(self, request: Request, organization: str) -> Response:
        found, now = organization_or_404(request, organization), timezone.now()
        meters = meters_of(organization=found, now=now)
        answers = entitlements(organization=found, meters=meters, quantity=quantity_of(request), now=now)
        return whole([answer.as_json() for answer in answers])


class EntitlementView(APIView):
    @extend_schema(
        operation_id="entitlements_read",
        summary="May this much of a meter be used now?",
        description="Exact up to the last accepted event. 200 whether it is allowed or not: look at `allowed`.",
        parameters=[QUANTITY],
        responses=serializers.EntitlementSerializer,
    )
    def get(self, request: Request, organization: str, meter: str) -> Response:
        found = organization_or_404(request, organization)
        answers = entitlements(
            organization=found, meters=[meter_or_404(meter)], quantity=quantity_of(request), now=timezone.now()
        )
        return Response(answers[0].as_json())


def quantity_of(request: Request) -> Decimal:
    if not request.query_params:
        return Decimal(1)
    return validated(serializers.QuantityQuerySerializer, request.query_params).get("quantity", Decimal(1))


def meter_or_404(code: str) -> Meter:
    """Raises NotFound."""
    meter = row_by(Meter, "code", code)
    if meter is None or meter.retired:
        raise NotFound(f"There is no meter {code!r}.")
    return meter
