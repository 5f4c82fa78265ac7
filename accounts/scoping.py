"""The one way a page finds its organization.

Every such page lives under `/o/<org_id>/…`. Whoever is not a member gets the same 404 as for an organization that
does not exist; a member without the permission gets a 403 that names whom to ask.
"""

import functools
from collections.abc import Callable
from typing import Concatenate, ParamSpec, cast

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponseBase
from django.views.decorators.cache import never_cache

from accounts.models import Membership, Organization, User
from accounts.permissions import Permission, may, refusal


class OrganizationRequest(HttpRequest):
    """A request of a member: what `organization_page` adds to it."""

    user: User
    organization: Organization
    membership: Membership


P = ParamSpec("P")


def organization_page(
    permission: Permission,
) -> Callable[[Callable[Concatenate[OrganizationRequest, P], HttpResponseBase]], Callable[..., HttpResponseBase]]:
    """Wrap a view under `/o/<org_id>/…`; it gets `request.organization` and `request.membership` for `org_id`."""

    def decorate(
        view: Callable[Concatenate[OrganizationRequest, P], HttpResponseBase],
    ) -> Callable[..., HttpResponseBase]:
        @never_cache
        @login_required
        @functools.wraps(view)
        def scoped(request: HttpRequest, org_id: str, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
            scoped_request = enter_organization(request, org_id)
            if not may(scoped_request.membership.role, permission):
                raise PermissionDenied(refusal(permission))
            return view(scoped_request, *args, **kwargs)

        return scoped

    return decorate


def enter_organization(request: HttpRequest, org_id: str) -> OrganizationRequest:
    """Put the organization and the membership on the request. Raises Http404 for anyone who is not a member."""
    scoped = cast(OrganizationRequest, request)
    membership = (
        Membership.objects.select_related("organization")
        .filter(user=scoped.user, organization__public_id=org_id)
        .first()
    )
    if membership is None:
        raise Http404("There is no such organization, or you are not a member of it.")
    scoped.organization, scoped.membership = membership.organization, membership
    if scoped.user.last_organization_id != membership.organization_id:
        User.objects.filter(pk=scoped.user.pk).update(last_organization=membership.organization)
    return scoped
