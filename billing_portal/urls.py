"""The address book of the portal. Each app brings its own pages and its own part of the API."""

from django.conf import settings
from django.contrib import admin
from django.contrib.staticfiles.storage import staticfiles_storage
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, URLResolver, include, path, re_path
from drf_spectacular.views import SpectacularAPIView

from accounts.api.views import UnknownAddressView
from accounts.views.home import home
from billing_portal.views import api_reference, health, overview
from plans.views import pricing

admin.site.site_title = settings.PORTAL_NAME
admin.site.site_header = f"{settings.PORTAL_NAME} · back office"
admin.site.index_title = "Back office"

handler400 = "billing_portal.views.errors.bad_request"
handler403 = "billing_portal.views.errors.permission_denied"
handler404 = "billing_portal.views.errors.page_not_found"
handler500 = "billing_portal.views.errors.server_error"


def favicon(request: HttpRequest) -> HttpResponse:
    return redirect(staticfiles_storage.url("img/mark.svg"), permanent=True)


def robots(request: HttpRequest) -> HttpResponse:
    return HttpResponse("User-agent: *\nAllow: /pricing\nDisallow: /\n", content_type="text/plain")


api: list[URLPattern | URLResolver] = [
    path("v1/", include("usage.api.urls")),
    path("v1/", include("credits.api.urls")),
    path("v1/", include("plans.api.urls")),
    path("v1/", include("payments.api.urls")),
    path("v1/", include("accounts.api.urls")),
    path("v1/schema/", SpectacularAPIView.as_view(), name="schema"),
    path("docs/", api_reference.api_reference, name="api_reference"),
    # Last: whatever else is asked of the API is answered as the API answers.
    re_path(r"^.*$", UnknownAddressView.as_view()),
]

# The API first: it is asked a thousand times for each page that somebody opens.
urlpatterns: list[URLPattern | URLResolver] = [
    path("api/", include(api)),
    path("healthz", health.live, name="healthz"),
    path("readyz", health.ready, name="readyz"),
    path("favicon.ico", favicon),
    path("robots.txt", robots),
    path(settings.ADMIN_PATH, admin.site.urls),
    path("accounts/", include("allauth.urls")),
    path("", home, name="home"),
    path("o/<str:org_id>/", overview.overview, name="overview"),
    path("", include("accounts.urls")),
    path("", include("credits.urls")),
    path("", include("notifications.urls")),
    path("pricing/", pricing.pricing, name="pricing"),
    path("pricing/choose/", pricing.choose_plan, name="pricing_choose"),
    path("", include("plans.urls")),
    path("", include("usage.urls")),
]

if settings.DEBUG or settings.DEMO:
    from billing_portal.views import styleguide

    urlpatterns += [path("styleguide/", styleguide.styleguide, name="styleguide")]
