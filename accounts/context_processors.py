"""What every page knows of the person looking at it."""

from django.http import HttpRequest
from django.urls import reverse

from accounts.models import Membership
from accounts.permissions import Permission, may
from core import navigation


def tenant(request: HttpRequest) -> dict[str, object]:
    """`organization`, `membership`, `memberships`, `nav`, `can` (permission name → bool) and `home_url`.

    A page without an organization (the profile, say) has only `home_url` and `memberships`.
    """
    context: dict[str, object] = {"home_url": reverse("home"), "organization": None, "memberships": [], "nav": []}
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return context
    context["memberships"] = (
        Membership.objects.filter(user=user).select_related("organization").order_by("organization__name", "id")
    )
    membership: Membership | None = getattr(request, "membership", None)
    if membership is not None:
        context |= {
            "organization": membership.organization,
            "membership": membership,
            "nav": navigation.lines_for(
                request,
                org_id=membership.organization.public_id,
                is_allowed=lambda permission: may(membership.role, Permission(permission)),
            ),
            "can": {permission.name: may(membership.role, permission) for permission in Permission},
        }
    return context
