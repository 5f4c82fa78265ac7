"""Addresses of the plans' part of the API."""

from django.urls import path

from plans.api import views

urlpatterns = [
    path("billing/checkout", views.CheckoutView.as_view(), name="api_billing_checkout"),
    path("billing/portal", views.PortalView.as_view(), name="api_billing_portal"),
    path("billing/preview", views.PreviewView.as_view(), name="api_billing_preview"),
]
