"""The back office's door: one sign-in for everybody, and a second factor for staff."""

from typing import Any

from allauth.mfa.utils import is_mfa_enabled
from django.conf import settings
from django.contrib.admin import AdminSite
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render, resolve_url
from django.template.response import TemplateResponse
from django.utils import timezone

from accounts.figures import panels_for, recent_since
from accounts.models import User

# Daily work first; copies of Stripe's records and the sign-in machinery last.
GROUPS = ("accounts", "credits", "plans", "usage", "payments", "notifications", "djstripe")


class PortalAdminSite(AdminSite):
    """Sign-in happens on the portal's own page, so that its rate limits and two-factor step hold here too."""

    def has_permission(self, request: HttpRequest) -> bool:
        if not super().has_permission(request):
            return False
        return not settings.REQUIRE_STAFF_MFA or is_mfa_enabled(request.user)

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[Any]:
        rank = {label: place for place, label in enumerate(GROUPS)}
        return sorted(super().get_app_list(request, app_label), key=lambda app: rank.get(app["app_label"], len(GROUPS)))

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        """What staff come to follow, above the lists of everything."""
        now = timezone.now()
        panels = panels_for(site=self, request=request, now=now)
        figures = {"panels": panels, "as_of": now, "recent_since": recent_since(now)}
        return super().index(request, {**figures, **(extra_context or {})})

    def login(self, request: HttpRequest, extra_context: dict[str, object] | None = None) -> HttpResponse:
        """Where everybody is sent who may not enter; it says why."""
        if not isinstance(request.user, User):
            return redirect_to_login(request.GET.get("next", request.path), resolve_url(settings.LOGIN_URL))
        if not request.user.is_staff:
            raise PermissionDenied("The back office is for staff. Sign in with a staff account to open it.")
        return render(request, "accounts/staff_needs_mfa.html", status=403)
