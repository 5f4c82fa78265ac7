"""The shapes of what the API takes and answers about credits."""

from typing import Any

from rest_framework import serializers

from accounts.api.serializers import OrganizationIdField
from core.api.serializers import QuantityField, StrictSerializer, TextField, TimestampField
from credits.models import CreditGrant, LedgerEntry


class NextExpirySerializer(serializers.Serializer[Any]):
    amount = QuantityField()
    at = TimestampField()


class LotSerializer(serializers.Serializer[Any]):
    """A live grant, as burn order has it."""

    id = serializers.CharField(source="public_id", help_text="`grant_…`")
    remaining = QuantityField()
    held = QuantityField()
    priority = serializers.IntegerField()
    paid = serializers.BooleanField(help_text="False for credits that were given.")
    frozen = serializers.BooleanField(help_text="A dispute holds it until the bank decides.")
    expires_at = TimestampField(allow_null=True)


class WalletSerializer(serializers.Serializer[Any]):
    unit = serializers.CharField()
    balance = QuantityField(help_text="available + held + frozen − debt")
    held = QuantityField()
    available = QuantityField(help_text="What a hold may use now.")
    debt = QuantityField()
    grants = LotSerializer(many=True, help_text="Live ones, in the order in which they are used.")
    next_expiry = NextExpirySerializer(allow_null=True)
    burn_per_day = QuantityField(help_text="The mean of the last 30 days.")
    runs_out_on = serializers.DateField(allow_null=True)
    reserve_suggested = QuantityField(help_text="What to hold before a job whose cost is not known.")


class LedgerEntrySerializer(serializers.ModelSerializer[LedgerEntry]):
    unit = serializers.CharField(source="wallet.unit_id")
    amount = QuantityField()
    balance_after = QuantityField()
    grant = serializers.CharField(source="grant.public_id", allow_null=True, default=None)
    created_at = TimestampField()

    class Meta:
        model = LedgerEntry
        fields = ["unit", "kind", "amount", "balance_after", "reference", "reason", "grant", "created_at"]
        read_only_fields = fields


class GrantSerializer(serializers.ModelSerializer[CreditGrant]):
    id = serializers.CharField(source="public_id", help_text="`grant_…`")
    organization = serializers.CharField(source="wallet.organization.public_id")
    unit = serializers.CharField(source="wallet.unit_id")
    amount = QuantityField()
    remaining = QuantityField()
    held = QuantityField()
    expires_at = TimestampField(allow_null=True)
    created_at = TimestampField()

    class Meta:
        model = CreditGrant
        fields = [
            "id",
            "organization",
            "unit",
            "amount",
            "remaining",
            "held",
            "priority",
            "source",
            "reason",
            "expires_at",
            "created_at",
        ]
        read_only_fields = fields


class NewGrantSerializer(StrictSerializer):
    unit = TextField(max_length=40)
    amount = QuantityField(positive=True)
    reason = TextField(max_length=500)
    expires_at = TimestampField(required=False, allow_null=True, help_text="null: never. Left out: 365 days from now.")
    priority = serializers.IntegerField(required=False, min_value=0, max_value=32_767, help_text="Lower is used first.")
    reference = TextField(max_length=200, help_text="Yours, once for ever: a repeat returns the first.")


class RedemptionSerializer(StrictSerializer):
    organization = OrganizationIdField()
    code = TextField(max_length=64)
