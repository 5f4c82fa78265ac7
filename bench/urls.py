"""The portal's addresses and the empty view beside which entitlements are measured."""

from django.urls import path
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from billing_portal.urls import urlpatterns as portal


class EmptyView(APIView):
    """The same middleware, authentication, permissions and throttling as every view of the API, and nothing else."""

    def get(self, request: Request) -> Response:
        return Response({})


urlpatterns = [path("api/v1/bench/empty", EmptyView.as_view()), *portal]
