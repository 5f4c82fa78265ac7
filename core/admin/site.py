"""The back office's door: one sign-in for everybody, and a second factor for staff."""

from typing import Any

from allauth.mfa.utils import is_mfa_enabled
from django.apps import apps
from django.conf import settings
from django.contrib.admin import AdminSite
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render, resolve_url
from django.template.response import TemplateResponse
from django.utils import timezone

from core.admin.figures import panels_for, recent_since

# Apps say where they stand by `back_office_order` in their config; the sign-in machinery of others comes last.
LAST = 1_000


class PortalAdminSite(AdminSite):
    """Sign-in happens on the portal's own page, so that its rate limits and two-factor step hold here too."""

    def has_permission(self, request: HttpRequest) -> bool:
        if not super().has_permission(request):
            return False
        return not settings.REQUIRE_STAFF_MFA or is_mfa_enabled(request.user)

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[Any]:
        return sorted(super().get_app_list(request, app_label), key=lambda app: _order(app["app_label"]))

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        """What staff come to follow, above the lists of everything."""
        now = timezone.now()
        panels = panels_for(site=self, request=request, now=now)
        figures = {"panels": panels, "as_of": now, "recent_since": recent_since(now)}
        return super().index(request, {**figures, **(extra_context or {})})

    def login(self, request: HttpRequest, extra_context: dict[str, object] | None = None) -> HttpResponse:
        """Where everybody is sent who may not enter; it says why."""
        if not request.user.is_authenticated:
            return redirect_to_login(request.GET.get("next", request.path), resolve_url(settings.LOGIN_URL))
        if not request.user.is_staff:
            raise PermissionDenied("The back office is for staff. Sign in with a staff account to open it.")
        return render(request, "admin/second_factor_needed.html", status=403)


def _order(app_label: str) -> int:
    return int(getattr(apps.get_app_config(app_label), "back_office_order", LAST))
