"""Organizations over the API."""

from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.organizations import organization_or_404, organizations_within_reach
from accounts.api.permissions import ScopeAllows, ServiceKeyOnly
from accounts.models import Organization
from accounts.names import NAME_LENGTH
from accounts.services.organizations import create_organization
from core.api.idempotency import idempotent
from core.api.pagination import paginated
from core.api.schema import PAGE_PARAMETERS, page_of
from core.api.serializers import StrictSerializer, TextField, TimestampField, validated
from core.errors import NotFound


class OrganizationSerializer(serializers.ModelSerializer[Organization]):
    id = serializers.CharField(source="public_id", read_only=True, help_text="`org_…`")
    suspended_at = TimestampField(read_only=True, allow_null=True, help_text="Since when it is suspended, if it is.")
    created_at = TimestampField(read_only=True)

    class Meta:
        model = Organization
        fields = ["id", "name", "email", "external_id", "suspended_at", "created_at"]
        read_only_fields = fields


class NewOrganizationSerializer(StrictSerializer):
    name = TextField(max_length=NAME_LENGTH)
    email = serializers.EmailField(max_length=254, help_text="Receipts and notices go here.")
    external_id = TextField(
        max_length=255, required=False, allow_null=True, help_text="Your own id of this organization."
    )


class OrganizationListView(APIView):
    def get_permissions(self) -> list[Any]:
        return [ServiceKeyOnly() if self.request.method == "POST" else ScopeAllows()]

    @extend_schema(
        summary="Find organizations",
        operation_id="organizations_list",
        parameters=[
            OpenApiParameter("external_id", str, description="Only the one you gave this id."),
            *PAGE_PARAMETERS,
        ],
        responses=page_of(OrganizationSerializer),
    )
    def get(self, request: Request) -> Response:
        organizations = organizations_within_reach(request)
        if (external_id := request.query_params.get("external_id")) is not None:
            organizations = organizations.filter(external_id=external_id)
        return paginated(self, request, organizations, OrganizationSerializer)

    @extend_schema(
        summary="Make an organization",
        description="On the free plan. The same `external_id` returns the organization made first, unchanged.",
        operation_id="organizations_create",
        request=NewOrganizationSerializer,
        responses={201: OrganizationSerializer},
    )
    @idempotent()
    def post(self, request: Request) -> Response:
        organization = create_organization(**validated(NewOrganizationSerializer, request.data))
        return Response(OrganizationSerializer(organization).data, status=201)


class OrganizationView(APIView):
    @extend_schema(summary="Read an organization", operation_id="organizations_read", responses=OrganizationSerializer)
    def get(self, request: Request, organization: str) -> Response:
        return Response(OrganizationSerializer(organization_or_404(request, organization)).data)


class UnknownAddressView(APIView):
    """Whatever under `/api/` is no address answers as the API does, not with a page."""

    authentication_classes = ()
    permission_classes = ()
    throttle_classes = ()
    schema = None

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        raise NotFound("There is nothing at this address. The API's addresses are listed at /api/v1/schema/.")
