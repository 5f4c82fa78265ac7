"""How the API finds the organization a request is about."""

from django.db.models import QuerySet
from rest_framework.request import Request

from accounts.api.authentication import key_of
from accounts.models import Organization
from core.errors import NotFound
from core.prepared_statements import row_by


def organization_or_404(request: Request, public_id: str) -> Organization:
    """The organization of this id, as far as the request's key reaches.

    A service key reaches all; an organization key its own, and any other id is as unknown as one that does not exist.
    Raises NotFound.
    """
    reach, organization = key_of(request).organization_id, row_by(Organization, "public_id", public_id)
    if organization is None or reach not in (None, organization.pk):
        raise NotFound("There is no organization with this id, or this key does not reach it.")
    return organization


def organizations_within_reach(request: Request) -> QuerySet[Organization]:
    """All organizations for a service key, its own for an organization key."""
    api_key = key_of(request)
    if api_key.organization_id is None:
        return Organization.objects.all()
    return Organization.objects.filter(pk=api_key.organization_id)
