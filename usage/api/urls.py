"""Addresses of the usage part of the API."""

from django.urls import path, register_converter
from django.urls.converters import PathConverter

from usage.api import entitlements, events, history, holds


class EventIdConverter(PathConverter):
    """Whatever an event may be called, line breaks and slashes included."""

    regex = "(?s:.+)"


register_converter(EventIdConverter, "event_id")

urlpatterns = [
    path("events", events.EventListView.as_view(), name="api_events"),
    path("events/<str:organization>/<event_id:event_id>/void", events.EventVoidView.as_view(), name="api_event_void"),
    path(
        "organizations/<str:organization>/entitlements",
        entitlements.EntitlementListView.as_view(),
        name="api_entitlements",
    ),
    path(
        "organizations/<str:organization>/entitlements/<str:meter>",
        entitlements.EntitlementView.as_view(),
        name="api_entitlement",
    ),
    path("organizations/<str:organization>/usage", history.UsageView.as_view(), name="api_usage"),
    path("billing/usage", history.BillingUsageView.as_view(), name="api_billing_usage"),
    path("holds", holds.HoldListView.as_view(), name="api_holds"),
    path("holds/<str:hold>", holds.HoldView.as_view(), name="api_hold"),
    path("holds/<str:hold>/capture", holds.HoldCaptureView.as_view(), name="api_hold_capture"),
    path("holds/<str:hold>/release", holds.HoldReleaseView.as_view(), name="api_hold_release"),
]
