"""Where `/` leads."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from accounts.models import Membership, User


def home(request: HttpRequest) -> HttpResponse:
    """Visitors see the prices; people their organization, the one they used last first."""
    if not isinstance(request.user, User):
        return redirect("pricing")
    memberships = Membership.objects.filter(user=request.user).select_related("organization").order_by("id")
    last = memberships.filter(organization=request.user.last_organization).first() or memberships.first()
    return redirect(last.organization) if last else redirect("accounts:organization_create")
