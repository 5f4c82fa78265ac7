"""The shapes of usage in the API. Events are read by `engine/event_validation.py`; here they are only described."""

from datetime import date
from typing import Any

from drf_spectacular.extensions import OpenApiSerializerExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import Direction, extend_schema_field
from rest_framework import serializers

from accounts.api.serializers import OrganizationIdField
from core.api.serializers import (
    MoneyField,
    QuantityField,
    StrictSerializer,
    TimestampField,
)
from credits.api.serializers import NextExpirySerializer
from credits.services.holds import DEFAULT_DEADLINE, LATEST_DEADLINE
from usage.engine.event_validation import LONGEST_NAME, LONGEST_STATUS, MOST_MILLISECONDS

MOST_EVENTS = 1000
DAY = {"anyOf": [{"type": "string", "format": "date"}, {"type": "string", "format": "date-time"}]}
REJECT_CODES = [
    "unknown_organization",
    "unknown_meter",
    "invalid_quantity",
    "too_old",
    "in_future",
    "missing_subject",
    "id_conflict",
    "invalid",
]
CODES = [
    "allowance",
    "credits",
    "billed",
    "on_demand",
    "limit_reached",
    "commitment_reached",
    "concurrency_reached",
    "debt",
    "budget_reached",
    "suspended",
    "no_plan_for_meter",
]


class EventSerializer(serializers.Serializer[Any]):
    """One fact. Whatever is wrong with it is said in `rejected` of the answer."""

    id = serializers.CharField(max_length=LONGEST_NAME, help_text="Yours; the same id is counted once, for ever.")
    organization = OrganizationIdField()
    meter = serializers.CharField(max_length=60, help_text="The meter's code.")
    timestamp = TimestampField(required=False, help_text="When it happened; now by default, 35 days ago at most.")
    quantity = QuantityField(required=False, help_text="1 by default.")
    status = serializers.CharField(max_length=LONGEST_STATUS, required=False, help_text="`success` by default.")
    duration_ms = serializers.IntegerField(min_value=0, max_value=MOST_MILLISECONDS, required=False, allow_null=True)
    subject = serializers.CharField(
        max_length=LONGEST_NAME,
        required=False,
        allow_null=True,
        help_text="For meters that count different ones.",
    )
    properties = serializers.DictField(
        required=False, allow_null=True, help_text="A flat object of at most 16 KiB: texts, numbers, booleans, null."
    )


class EventsBodySerializer(serializers.Serializer[Any]):
    """One event, or many. Never used to read them: one bad event must not reject its neighbours."""

    body_is_required = True


class EventsBodySchema(OpenApiSerializerExtension):
    """Anything may stand where an event should: what is wrong with it is said in the answer, by name."""

    target_class = "usage.api.serializers.EventsBodySerializer"

    def map_serializer(self, auto_schema: AutoSchema, direction: Direction) -> dict[str, Any]:
        event = auto_schema.resolve_serializer(EventSerializer(), direction).ref
        many = {
            "type": "object",
            "properties": {"events": {"type": "array", "maxItems": MOST_EVENTS, "items": {"anyOf": [event, {}]}}},
            "required": ["events"],
            "additionalProperties": False,
        }
        begun = [{"required": [name]} for name in ("id", "organization", "meter")]
        one = {"type": "object", "anyOf": [event, *begun], "not": {"required": ["events"]}}
        return {"oneOf": [one, many]}


class RejectedSerializer(serializers.Serializer[Any]):
    index = serializers.IntegerField(help_text="Its place among the events sent, from 0.")
    id = serializers.CharField(allow_null=True)
    code = serializers.ChoiceField(choices=REJECT_CODES)
    message = serializers.CharField()


class TakenSerializer(serializers.Serializer[Any]):
    accepted = serializers.IntegerField()
    duplicates = serializers.IntegerField(help_text="Taken in before: harmless.")
    rejected = RejectedSerializer(many=True)


class VoidSerializer(StrictSerializer):
    reason = serializers.CharField(max_length=500)


class StoredEventSerializer(serializers.Serializer[Any]):
    id = serializers.CharField(source="event_id")
    organization = serializers.CharField(source="organization.public_id")
    meter = serializers.CharField(source="meter.code")
    timestamp = TimestampField(source="event_at")
    quantity = QuantityField()
    status = serializers.CharField()
    duration_ms = serializers.IntegerField(allow_null=True)
    subject = serializers.CharField()
    properties = serializers.DictField()
    billable = serializers.BooleanField()
    not_billable_reason = serializers.CharField(source="not_billable", help_text="Empty for one that counts.")
    voided_at = TimestampField(allow_null=True)
    void_reason = serializers.CharField()


class EntitlementAllowanceSerializer(serializers.Serializer[Any]):
    included = QuantityField(allow_null=True, help_text="Per window; null is unlimited.")
    used = QuantityField()
    held = QuantityField()
    remaining = QuantityField(allow_null=True)
    window_start = TimestampField()
    window_end = TimestampField()


class EntitlementCreditsSerializer(serializers.Serializer[Any]):
    unit = serializers.CharField()
    available = QuantityField()
    held = QuantityField()
    debt = QuantityField()
    next_expiry = NextExpirySerializer(allow_null=True)


class EntitlementCommitmentSerializer(serializers.Serializer[Any]):
    bought = QuantityField()
    used = QuantityField()


class EntitlementConcurrencySerializer(serializers.Serializer[Any]):
    limit = serializers.IntegerField()
    open = serializers.IntegerField()


class EntitlementActionSerializer(serializers.Serializer[Any]):
    kind = serializers.ChoiceField(choices=["buy_credits", "change_plan", "buy_quantity", "pay_invoice"])
    url = serializers.URLField()


class EntitlementSerializer(serializers.Serializer[Any]):
    """Sections that do not apply are null."""

    meter = serializers.CharField(allow_null=True)
    allowed = serializers.BooleanField()
    code = serializers.ChoiceField(choices=CODES)
    message = serializers.CharField(help_text="For people.")
    allowance = EntitlementAllowanceSerializer(allow_null=True)
    credits = EntitlementCreditsSerializer(allow_null=True)
    commitment = EntitlementCommitmentSerializer(allow_null=True)
    concurrency = EntitlementConcurrencySerializer(allow_null=True)
    on_exhausted = serializers.ChoiceField(
        choices=["block", "credits", "bill", "credits_then_bill", "on_demand"], allow_null=True
    )
    as_of = TimestampField()
    action = EntitlementActionSerializer(allow_null=True, help_text="The way out of a refusal.")


class QuantityQuerySerializer(StrictSerializer):
    quantity = QuantityField(positive=True, required=False)


class NewHoldSerializer(StrictSerializer):
    """Names either a `meter` or a `unit`."""

    alternatives = {"meter": (), "unit": ()}

    organization = OrganizationIdField()
    meter = serializers.CharField(max_length=60, required=False)
    unit = serializers.CharField(max_length=60, required=False, help_text="In place of `meter`, for plain credits.")
    quantity = QuantityField(positive=True)
    reference = serializers.CharField(max_length=255, help_text="Yours; the same one returns the first hold.")
    expires_in = serializers.IntegerField(
        min_value=1,
        max_value=int(LATEST_DEADLINE.total_seconds()),
        required=False,
        help_text=f"Seconds; {int(DEFAULT_DEADLINE.total_seconds())} by default.",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("meter" in attrs) == ("unit" in attrs):
            raise serializers.ValidationError({"meter": ["Name either a meter or a unit."]})
        return attrs


class CaptureSerializer(StrictSerializer):
    quantity = QuantityField(min_value=0, required=False, help_text="What was held, by default.")
    status = serializers.CharField(max_length=LONGEST_STATUS, default="success")
    duration_ms = serializers.IntegerField(min_value=0, max_value=MOST_MILLISECONDS, required=False, allow_null=True)


class NoBodySerializer(StrictSerializer):
    """Takes no fields."""


class HoldSerializer(serializers.Serializer[Any]):
    """`from_allowance` and `from_credits` are quantities: of what was held, and once captured of what was charged."""

    id = serializers.CharField(help_text="`hold_…`")
    status = serializers.ChoiceField(choices=["open", "captured", "released", "expired"])
    organization = serializers.CharField()
    meter = serializers.CharField(allow_null=True)
    unit = serializers.CharField(allow_null=True)
    quantity = QuantityField()
    from_allowance = QuantityField()
    from_credits = QuantityField()
    reference = serializers.CharField()
    created_at = TimestampField()
    expires_at = TimestampField()
    captured = QuantityField(allow_null=True, help_text="What was charged; null until it is captured.")
    debt = QuantityField(allow_null=True, help_text="Credits that the job cost beyond all there was.")
    event = serializers.CharField(allow_null=True, help_text="Id of the event that the capture wrote.")


class OfferedPackSerializer(serializers.Serializer[Any]):
    code = serializers.CharField()
    credits = QuantityField(allow_null=True, help_text="Null for an open amount; its price is the smallest.")
    price = MoneyField()
    currency = serializers.CharField()


class HoldRefusedDetailsSerializer(serializers.Serializer[Any]):
    required = QuantityField()  # type: ignore[assignment]  # the contract's name, not the argument
    available = QuantityField()
    shortfall = QuantityField()
    entitlement = EntitlementSerializer()
    packs = OfferedPackSerializer(many=True)
    checkout_url = serializers.URLField()


class HoldRefusedBodySerializer(serializers.Serializer[Any]):
    code = serializers.CharField()
    message = serializers.CharField()
    details = HoldRefusedDetailsSerializer()


class HoldRefusedSerializer(serializers.Serializer[Any]):
    error = HoldRefusedBodySerializer()


class UsageQuerySerializer(StrictSerializer):
    meter = serializers.CharField(max_length=60)
    group_by = serializers.ChoiceField(choices=["day", "month"], default="day")

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        # `from` is a word of Python's.
        first = DayField(required=False, help_text="The first day (UTC), or a time in it; a year back by default.")
        last = DayField(required=False, help_text="The last day (UTC), or a time in it; today by default.")
        return super().get_fields() | {"from": first, "to": last}


@extend_schema_field(DAY)
class DayField(serializers.DateField):
    """A day (UTC), or a time with its zone, which names the day it falls on."""

    def to_internal_value(self, value: Any) -> date:
        if isinstance(value, str) and "T" in value:
            return TimestampField().run_validation(value).date()
        return super().to_internal_value(value)


class UsagePointSerializer(serializers.Serializer[Any]):
    start = serializers.DateField(help_text="The day, or the first day of the month (UTC).")
    quantity = QuantityField(help_text="Everything reported.")
    billable = QuantityField(help_text="What counts.")
    from_allowance = QuantityField()
    from_credits = QuantityField()
    billed = QuantityField()
    unpaid = QuantityField()


class UsageSeriesSerializer(serializers.Serializer[Any]):
    meter = serializers.CharField()
    unit = serializers.CharField()
    series = UsagePointSerializer(many=True)


class BillingUsageQuerySerializer(StrictSerializer):
    organization = OrganizationIdField()


class BillingMeterSerializer(serializers.Serializer[Any]):
    meter = serializers.CharField()
    used = QuantityField()
    included = QuantityField(allow_null=True, help_text="Null is unlimited.")
    percent = serializers.IntegerField(allow_null=True)
    estimated_cost = serializers.IntegerField(help_text="Minor units, so far in this window.")


class BillingUsageSerializer(serializers.Serializer[Any]):
    plan = serializers.CharField(allow_null=True)
    interval = serializers.CharField(allow_null=True)
    status = serializers.CharField(help_text="Of the subscription; `free` without one, or `suspended`.")
    window_start = TimestampField(allow_null=True)
    window_end = TimestampField(allow_null=True)
    currency = serializers.CharField(allow_null=True)
    estimated_cost = serializers.IntegerField(help_text="Minor units: usage billed so far in this window.")
    meters = BillingMeterSerializer(many=True)
