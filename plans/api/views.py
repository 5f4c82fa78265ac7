"""`/billing/*`: opening checkout and Stripe's portal, and previews of changes."""

from typing import Any

from django.conf import settings
from django.urls import reverse
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.organizations import organization_or_404
from accounts.models import Organization
from core.api.idempotency import idempotent
from core.api.serializers import validated
from core.errors import InvalidInput
from credits.models import CreditPack
from credits.services.purchases import start_pack_purchase
from plans.api import serializers
from plans.services.checkout import start_checkout
from plans.services.portal import open_portal
from plans.services.quotes import quote
from plans.services.selections import choose


class CheckoutView(APIView):
    @extend_schema(
        operation_id="billing_checkout",
        summary="Open a checkout page",
        description="For a plan, or for a credit pack. An organization that has a plan already gets 409 "
        "`already_subscribed`: plans are changed on the portal's pages.",
        request=serializers.CheckoutSerializer,
        responses={201: serializers.CheckoutOpenedSerializer},
    )
    @idempotent(calls_out=True)
    def post(self, request: Request) -> Response:
        asked = validated(serializers.CheckoutSerializer, request.data)
        organization = organization_or_404(request, asked.pop("organization"))
        url, purchase = _open_plan(organization, asked) if "plan" in asked else _open_pack(organization, asked)
        return Response({"url": url, "purchase": purchase}, status=201)


class PortalView(APIView):
    @extend_schema(
        operation_id="billing_portal",
        summary="Open Stripe's customer portal",
        description="For cards, addresses and receipts.",
        request=serializers.PortalSerializer,
        responses=serializers.PortalOpenedSerializer,
    )
    @idempotent(calls_out=True)
    def post(self, request: Request) -> Response:
        asked = validated(serializers.PortalSerializer, request.data)
        organization = organization_or_404(request, asked["organization"])
        home = f"{settings.PORTAL_URL}{reverse('plans:plan', args=[organization.public_id])}"
        return Response({"url": open_portal(organization=organization, return_url=asked.get("return_url", home))})


class PreviewView(APIView):
    @extend_schema(
        operation_id="billing_preview",
        summary="Preview a plan or a change of plan",
        description="What would be charged now, as Stripe reckons it, and from when the change would hold. "
        "Nothing is changed.",
        request=serializers.SelectionSerializer,
        responses=serializers.PreviewSerializer,
    )
    def post(self, request: Request) -> Response:
        asked = validated(serializers.SelectionSerializer, request.data)
        organization = organization_or_404(request, asked.pop("organization"))
        selection = choose(organization=organization, **asked)
        quoted = quote(organization=organization, selection=selection, now=timezone.now())
        return Response(serializers.PreviewSerializer(quoted).data)


def _open_plan(organization: Organization, asked: dict[str, Any]) -> tuple[str, str]:
    selection = choose(
        organization=organization,
        plan=asked["plan"],
        interval=asked.get("interval", "month"),
        quantity=asked.get("quantity"),
    )
    checkout = start_checkout(
        organization=organization,
        selection=selection,
        success_url=asked.get("success_url", ""),
        cancel_url=asked.get("cancel_url", ""),
        now=timezone.now(),
    )
    return checkout.url, checkout.public_id


def _open_pack(organization: Organization, asked: dict[str, Any]) -> tuple[str, str]:
    code = asked.pop("pack")
    pack = CreditPack.objects.select_related("unit").filter(code=code).first()
    if pack is None:
        raise InvalidInput(f"pack: there is no credit pack with the code {code!r}.", field="pack")
    purchase = start_pack_purchase(organization=organization, pack=pack, now=timezone.now(), **asked)
    return purchase.checkout_url, purchase.public_id
