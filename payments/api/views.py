"""Where Stripe delivers its events. What becomes of one is told in `payments/inbox/__init__.py`."""

from django.core.exceptions import RequestDataTooBig
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from payments.inbox.deliveries import receive, refuse
from payments.models import InboxRefusal

ReceivedSerializer = inline_serializer("StripeEventReceived", {"received": serializers.BooleanField()})


class StripeWebhookView(APIView):
    """The signature is the key: no other authentication, and no throttle that could turn genuine events away."""

    authentication_classes = []
    permission_classes = []
    throttle_classes = []

    @extend_schema(
        operation_id="webhooks_stripe",
        summary="Take in an event from Stripe",
        description="For Stripe only. The event is stored once and answered at once; it is acted on afterwards.",
        parameters=[
            OpenApiParameter("Stripe-Signature", str, OpenApiParameter.HEADER, required=True, description="By Stripe.")
        ],
        request=OpenApiTypes.OBJECT,
        responses=ReceivedSerializer,
    )
    def post(self, request: Request) -> Response:
        now = timezone.now()
        try:
            # The very bytes that were signed; parsing comes after verifying.
            body = request._request.body
        except RequestDataTooBig:
            refuse(InboxRefusal.Reason.UNREADABLE, now=now)
        receive(body=body, signature=request.headers.get("Stripe-Signature", ""), now=now)
        return Response({"received": True})
