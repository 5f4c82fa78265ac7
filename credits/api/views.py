"""Wallets, ledger, grants and gift cards over the API."""

from datetime import datetime
from decimal import Decimal

from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.authentication import key_of
from accounts.api.organizations import organization_or_404
from accounts.api.permissions import ScopeAllows, ServiceKeyOnly
from accounts.models import Organization
from core.api.idempotency import idempotent
from core.api.pagination import paginated, whole
from core.api.schema import PAGE_PARAMETERS, page_of
from core.api.serializers import validated
from credits.api.serializers import (
    GrantSerializer,
    LedgerEntrySerializer,
    NewGrantSerializer,
    RedemptionSerializer,
    WalletSerializer,
)
from credits.engine.wallet_state import WalletState
from credits.errors import GiftCardInvalid
from credits.models import LedgerEntry, Wallet
from credits.services.forecasts import forecast, reserve_suggested
from credits.services.gift_cards import redeem_gift_card
from credits.services.grants import grant_credits
from credits.services.wallets import get_unit


class WalletListView(APIView):
    @extend_schema(
        summary="Read credit balances",
        description="One per unit, exact at this moment: what has expired is gone, what a lapsed hold kept is free.",
        operation_id="wallets_list",
        responses=page_of(WalletSerializer),
    )
    def get(self, request: Request, organization: str) -> Response:
        found = organization_or_404(request, organization)
        now = timezone.now()
        states = Wallet.objects.states(organization=found, at=now)
        wallets = Wallet.objects.filter(organization=found).select_related("unit").order_by("unit_id")
        rows = [_wallet(found, wallet, states[wallet.unit_id], now) for wallet in wallets]
        return whole(WalletSerializer(rows, many=True).data)


class LedgerView(APIView):
    @extend_schema(
        summary="Read the ledger",
        description="Every movement of credits, newest first.",
        operation_id="ledger_list",
        parameters=[OpenApiParameter("unit", str, description="Only this unit's wallet."), *PAGE_PARAMETERS],
        responses=page_of(LedgerEntrySerializer),
    )
    def get(self, request: Request, organization: str) -> Response:
        entries = LedgerEntry.objects.filter(
            wallet__organization=organization_or_404(request, organization)
        ).select_related("wallet", "grant")
        if (unit := request.query_params.get("unit")) is not None:
            entries = entries.filter(wallet__unit=get_unit(unit))
        return paginated(self, request, entries, LedgerEntrySerializer)


class GrantListView(APIView):
    def get_permissions(self) -> list[BasePermission]:
        return [ServiceKeyOnly(), ScopeAllows()]

    @extend_schema(
        summary="Grant credits",
        description="The same `reference` returns the first grant; with other content it is refused with 409.",
        operation_id="grants_create",
        request=NewGrantSerializer,
        responses={201: GrantSerializer},
    )
    @idempotent()
    def post(self, request: Request, organization: str) -> Response:
        found = organization_or_404(request, organization)
        asked = validated(NewGrantSerializer, request.data)
        now = timezone.now()
        reference = f"api:{found.public_id}:{asked.pop('reference')}"
        grant = grant_credits(organization=found, source="api", reference=reference, now=now, **asked)
        return Response(GrantSerializer(grant).data, status=201)


class GiftCardRedemptionView(APIView):
    @extend_schema(
        summary="Redeem a gift card",
        description="422 `gift_card_invalid` is the one answer for unknown, used, void and expired codes.",
        operation_id="gift_cards_redeem",
        request=RedemptionSerializer,
        responses={201: GrantSerializer},
    )
    @idempotent()
    def post(self, request: Request) -> Response:
        asked = validated(RedemptionSerializer, request.data)
        organization = organization_or_404(request, asked["organization"])
        try:
            grant = redeem_gift_card(
                organization=organization,
                code=asked["code"],
                tried_by=f"key:{key_of(request).pk}:{organization.pk}",
                now=timezone.now(),
            )
        except GiftCardInvalid as refusal:
            # Answered here: raised further, it would undo the count of failures where the cache is the database's.
            return self.handle_exception(refusal)
        return Response(GrantSerializer(grant).data, status=201)


def _wallet(organization: Organization, wallet: Wallet, state: WalletState, now: datetime) -> dict[str, object]:
    ahead = forecast(wallet=wallet, state=state, now=now)
    return {
        "unit": wallet.unit_id,
        "balance": state.balance,
        "held": state.held,
        "available": state.available,
        "debt": state.debt,
        "grants": [
            {
                "public_id": lot.public_id,
                "remaining": lot.remaining,
                "held": lot.held,
                "priority": lot.priority,
                "paid": lot.paid,
                "frozen": lot.frozen_at is not None,
                "expires_at": lot.expires_at,
            }
            for lot in state.lots
        ],
        "next_expiry": state.next_expiry,
        "burn_per_day": ahead.burn_per_day or Decimal(0),
        "runs_out_on": ahead.runs_out_at.date() if ahead.runs_out_at else None,
        "reserve_suggested": reserve_suggested(organization=organization, unit=wallet.unit, now=now),
    }
