"""What `/billing/*` takes and gives."""

import json
import math
import re
from decimal import Decimal
from typing import Any

from django.conf import settings
from drf_spectacular.extensions import OpenApiSerializerFieldExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import Direction, extend_schema_field
from rest_framework import serializers

from accounts.api.serializers import OrganizationIdField
from core.api.serializers import MoneyField, StrictSerializer, TimestampField
from plans.models import Interval, PlanChange
from plans.services.return_urls import allowed_origins, require_allowed

LARGEST_RESUME_BYTES = 8 * 1024
OF_PLANS = ("interval", "quantity")
OF_PACKS = ("amount", "resume")


@extend_schema_field(
    {
        "type": ["object", "array", "string", "number", "boolean"],
        "description": "Any JSON up to 8 KiB; comes back in `credits.granted`.",
    }
)
class ResumeField(serializers.JSONField):
    """Kept as it came: numbers are JSON's, not our decimals."""

    def to_internal_value(self, data: Any) -> Any:
        value = super().to_internal_value(_as_json_numbers(data))
        if len(json.dumps(value, ensure_ascii=False).encode()) > LARGEST_RESUME_BYTES:
            raise serializers.ValidationError("May be at most 8 KiB of JSON.")
        return value


class ReturnUrlField(serializers.URLField):
    """An address to which a customer may be sent back."""

    def __init__(self, **kwargs: Any) -> None:
        help_text = "Under the portal's own origin or one that the operator allowed."
        super().__init__(**{"max_length": 2000, "required": False, "help_text": help_text, **kwargs})

    def to_internal_value(self, data: Any) -> str:
        return require_allowed(super().to_internal_value(data), field=self.field_name or "url")


class ReturnUrlFieldSchema(OpenApiSerializerFieldExtension):
    """The origins of this very installation."""

    target_class = ReturnUrlField

    def map_serializer_field(self, auto_schema: AutoSchema, direction: Direction) -> dict[str, Any]:
        origins = "|".join(re.escape(origin) for origin in allowed_origins())
        return {
            "type": "string",
            "pattern": rf"^({origins})([/?#][!-~]*)?$",
            "maxLength": self.target.max_length,
            "examples": [f"{settings.PORTAL_URL}/"],
        }


class SelectionSerializer(StrictSerializer):
    organization = OrganizationIdField()
    plan = serializers.CharField(max_length=60, help_text="Code of the plan.")
    interval = serializers.ChoiceField(Interval.choices, default=Interval.MONTH.value)
    quantity = serializers.IntegerField(
        min_value=1, max_value=2**31 - 1, required=False, allow_null=True, help_text="Of the plan's commitment."
    )


class CheckoutSerializer(StrictSerializer):
    """Either `plan` (with `interval`, `quantity`) or `pack` (with `amount` when it is open, `resume`)."""

    alternatives = {"plan": OF_PACKS, "pack": OF_PLANS}

    organization = OrganizationIdField()
    plan = serializers.CharField(max_length=60, required=False, help_text="Code of a plan.")
    interval = serializers.ChoiceField(Interval.choices, required=False, help_text="Of the plan; month by default.")
    quantity = serializers.IntegerField(
        min_value=1, max_value=2**31 - 1, required=False, allow_null=True, help_text="Of the plan's commitment."
    )
    pack = serializers.CharField(max_length=64, required=False, help_text="Code of a credit pack.")
    amount = MoneyField(min_value=1, required=False, help_text="Minor units, for a pack of an open amount.")
    resume = ResumeField(required=False, allow_null=True)
    success_url = ReturnUrlField()
    cancel_url = ReturnUrlField()

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("plan" in attrs) == ("pack" in attrs):
            raise serializers.ValidationError({"plan": ["Give either a plan or a pack."]})
        foreign = OF_PACKS if "plan" in attrs else OF_PLANS
        if wrong := [name for name in foreign if name in attrs]:
            kind = "pack" if "plan" in attrs else "plan"
            raise serializers.ValidationError({name: [f"Only goes with a {kind}."] for name in wrong})
        return attrs


class CheckoutOpenedSerializer(serializers.Serializer[Any]):
    url = serializers.URLField(help_text="Send the customer there.")
    purchase = serializers.CharField(help_text="`pur_…`")


class PortalSerializer(StrictSerializer):
    organization = OrganizationIdField()
    return_url = ReturnUrlField()


class PortalOpenedSerializer(serializers.Serializer[Any]):
    url = serializers.URLField(help_text="Valid for some minutes.")


class PreviewLineSerializer(serializers.Serializer[Any]):
    description = serializers.CharField()
    quantity = serializers.IntegerField(allow_null=True)
    amount = serializers.IntegerField(help_text="Minor units; negative gives back.")
    currency = serializers.CharField()
    proration = serializers.BooleanField(source="is_proration")
    period_start = TimestampField()
    period_end = TimestampField()


class PreviewSerializer(serializers.Serializer[Any]):
    plan = serializers.CharField(source="selection.plan.code")
    interval = serializers.ChoiceField(Interval.choices, source="selection.interval")
    quantity = serializers.IntegerField(source="selection.quantity", allow_null=True)
    timing = serializers.ChoiceField(PlanChange.Timing.choices, help_text="At once, or at the renewal.")
    effective_at = TimestampField()
    lines = PreviewLineSerializer(many=True)
    total = serializers.IntegerField(source="due_now.amount", help_text="Due now, in minor units, with tax.")
    currency = serializers.CharField(source="due_now.currency")
    recurring_amount = serializers.IntegerField(
        source="then.amount", help_text="Each interval after that, in minor units, before usage and tax."
    )


def _as_json_numbers(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _as_json_numbers(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_as_json_numbers(each) for each in value]
    if not isinstance(value, Decimal):
        return value
    number = float(value)
    if not math.isfinite(number):
        raise serializers.ValidationError("A number in it is larger than JSON's readers can take.")
    return number
