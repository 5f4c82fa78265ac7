"""Holds over the API: of meters, and of plain credits."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.utils import timezone
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.authentication import key_of
from accounts.api.organizations import organization_or_404
from accounts.models import Organization
from core.api.idempotency import idempotent
from core.api.schema import ErrorSerializer
from core.api.serializers import validated
from core.errors import InvalidInput, PaymentRequired
from core.quantities import ZERO, as_text
from credits.errors import DebtOutstanding, InsufficientCredits
from credits.models import CreditHold
from credits.services import holds as credit_holds
from plans.models import Meter
from usage.api import serializers
from usage.errors import HoldRefused
from usage.models import UsageHold
from usage.services.capture import capture_usage_hold
from usage.services.entitlements import (
    Entitlement,
    buy_url,
    checkout_url,
    packs_for,
    paying_units,
    suspended_message,
    unit_entitlement,
)
from usage.services.holds import get_usage_hold, open_usage_hold, release_usage_hold

Hold = UsageHold | CreditHold
REFUSED = OpenApiResponse(serializers.HoldRefusedSerializer, "Not covered; `details` say what is missing.")
ENDED = OpenApiResponse(ErrorSerializer, "`hold_ended`: it has ended in another way.")


class HoldListView(APIView):
    @extend_schema(
        operation_id="holds_create",
        summary="Set usage or credits aside",
        description="Before a job: what is included first, then credits. The same `reference` returns the first hold. "
        "Capture it after the job, or release it; past its deadline it counts as released.",
        request=serializers.NewHoldSerializer,
        responses={
            201: serializers.HoldSerializer,
            402: REFUSED,
            422: OpenApiResponse(ErrorSerializer, "`meter_not_holdable`: subjects and readings cannot be set aside."),
        },
    )
    @idempotent()
    def post(self, request: Request) -> Response:
        asked = validated(serializers.NewHoldSerializer, request.data)
        organization = organization_or_404(request, asked["organization"])
        hold = _open_for_meter(organization, asked) if "meter" in asked else _open_for_unit(organization, asked)
        return Response(hold_json(hold), status=201)


class HoldView(APIView):
    @extend_schema(operation_id="holds_read", summary="Read a hold", responses=serializers.HoldSerializer)
    def get(self, request: Request, hold: str) -> Response:
        return Response(hold_json(hold_or_404(request, hold)))


class HoldCaptureView(APIView):
    @extend_schema(
        operation_id="holds_capture",
        summary="Charge what a job used",
        description="What was held, or `quantity`, which may be less, more or zero; never fails for lack of credits. A "
        "`status` or duration that is not billable charges nothing. The same capture again is harmless.",
        request=serializers.CaptureSerializer,
        responses={200: serializers.HoldSerializer, 409: ENDED},
    )
    @idempotent()
    def post(self, request: Request, hold: str) -> Response:
        asked, now = validated(serializers.CaptureSerializer, request.data), timezone.now()
        found = hold_or_404(request, hold)
        if isinstance(found, UsageHold):
            return Response(hold_json(capture_usage_hold(hold=found, now=now, **asked)))
        # Without a meter there is no rule to ask: a job that failed costs nothing.
        amount = asked.get("quantity") if asked["status"] == "success" else ZERO
        return Response(hold_json(credit_holds.capture_hold(hold=found, amount=amount, now=now)))


class HoldReleaseView(APIView):
    @extend_schema(
        operation_id="holds_release",
        summary="Give a hold back",
        description="Nothing is charged. Releasing it again is harmless.",
        request=serializers.NoBodySerializer,
        responses={200: serializers.HoldSerializer, 409: ENDED},
    )
    @idempotent()
    def post(self, request: Request, hold: str) -> Response:
        validated(serializers.NoBodySerializer, request.data)
        found, now = hold_or_404(request, hold), timezone.now()
        if isinstance(found, UsageHold):
            return Response(hold_json(release_usage_hold(hold=found, now=now)))
        return Response(hold_json(credit_holds.release_hold(hold=found, now=now)))


def hold_or_404(request: Request, public_id: str) -> Hold:
    """Raises NotFound, also for what the key does not reach."""
    organization = key_of(request).organization
    if UsageHold.objects.filter(public_id=public_id).exists():
        return get_usage_hold(organization=organization, public_id=public_id)
    return credit_holds.get_hold(organization=organization, public_id=public_id)


def hold_json(hold: Hold) -> dict[str, Any]:
    now = timezone.now()
    captured = hold.status == "captured"
    if isinstance(hold, UsageHold):
        parts: dict[str, Any] = {
            "meter": hold.meter.code,
            "unit": None,
            "quantity": hold.quantity,
            "from_allowance": hold.captured_from_allowance if captured else hold.from_allowance,
            "from_credits": hold.captured_from_credits if captured else hold.from_credits,
            "event": hold.event_id or None,
        }
    else:
        parts = {
            "meter": None,
            "unit": hold.wallet.unit_id,
            "quantity": hold.amount,
            "from_allowance": Decimal(0),
            "from_credits": hold.captured if captured else hold.amount,
            "event": None,
        }
    values = parts | {
        "id": hold.public_id,
        "status": hold.status_at(now),
        "organization": hold.organization.public_id,
        "reference": hold.reference,
        "created_at": hold.created_at,
        "expires_at": hold.expires_at,
        "captured": hold.captured if captured else None,
        "debt": hold.debt if captured else None,
    }
    return dict(serializers.HoldSerializer(values).data)


def _open_for_meter(organization: Organization, asked: dict[str, Any]) -> UsageHold:
    now = timezone.now()
    meter = Meter.objects.in_use().filter(code=asked["meter"]).first()
    if meter is None:
        raise InvalidInput(f"There is no meter {asked['meter']!r}.", field="meter")
    try:
        return open_usage_hold(
            organization=organization,
            meter=meter,
            quantity=asked["quantity"],
            reference=asked["reference"],
            expires_at=_deadline(asked, now),
            now=now,
        )
    except HoldRefused as refused:
        refused.details |= {
            "entitlement": Entitlement(refused.snapshot, refused.decision).as_json(),
            "packs": packs_for(paying_units(refused.snapshot)),
            "checkout_url": checkout_url(refused.snapshot, refused.decision),
        }
        raise


def _open_for_unit(organization: Organization, asked: dict[str, Any]) -> CreditHold:
    now = timezone.now()
    if organization.suspended_at is not None:
        raise _suspended(organization, asked)
    try:
        return credit_holds.open_hold(
            organization=organization,
            unit=asked["unit"],
            amount=asked["quantity"],
            reference=asked["reference"],
            expires_at=_deadline(asked, now),
            now=now,
        )
    except (InsufficientCredits, DebtOutstanding) as refused:
        refused.details |= _ways_to_pay(organization, asked["unit"])
        raise


def _suspended(organization: Organization, asked: dict[str, Any]) -> PaymentRequired:
    quantity = as_text(asked["quantity"])
    return PaymentRequired(
        suspended_message(organization),
        code="suspended",
        required=quantity,
        available="0",
        shortfall=quantity,
        **_ways_to_pay(organization, asked["unit"]),
    )


def _ways_to_pay(organization: Organization, unit: str) -> dict[str, Any]:
    entitlement = unit_entitlement(organization=organization, unit=unit, now=timezone.now())
    action = entitlement["action"]
    url = action["url"] if action else buy_url(organization, unit)
    return {"entitlement": entitlement, "packs": packs_for([unit]), "checkout_url": url}


def _deadline(asked: dict[str, Any], now: datetime) -> datetime | None:
    return now + timedelta(seconds=asked["expires_in"]) if "expires_in" in asked else None
