"""Small views that use the API's foundations as an app would, and their addresses."""

from django.urls import include, path
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.services.organizations import create_organization
from core.api.idempotency import idempotent
from core.api.serializers import MoneyField, QuantityField, StrictSerializer, TimestampField, validated
from core.errors import RuleRefused, Unavailable


class OrderSerializer(StrictSerializer):
    quantity = QuantityField(positive=True)
    price = MoneyField(min_value=0, required=False)
    at = TimestampField(required=False)
    note = serializers.CharField(required=False)


class Echo(APIView):
    def post(self, request: Request) -> Response:
        return Response(OrderSerializer(validated(OrderSerializer, request.data)).data)


def work(request: Request) -> Response:
    """Makes an organization, then does as the body says."""
    create_organization(name=request.data["name"], email="a@b.example")
    if request.data.get("then") == "refuse":
        raise RuleRefused("Not today.", code="not_today")
    if request.data.get("then") == "fail":
        raise Unavailable("The outside is down.")
    if request.data.get("then") == "break":
        raise RuntimeError("broken")
    return Response({"name": request.data["name"], "quantity": "1.50"}, status=201)


class InOneTransaction(APIView):
    @idempotent()
    def post(self, request: Request) -> Response:
        return work(request)


class CallsOut(APIView):
    @idempotent(calls_out=True)
    def post(self, request: Request) -> Response:
        return work(request)


urlpatterns = [
    path("api/v1/echo", Echo.as_view()),
    path("api/v1/together", InOneTransaction.as_view()),
    path("api/v1/calls-out", CallsOut.as_view()),
    path("", include("billing_portal.urls")),
]
