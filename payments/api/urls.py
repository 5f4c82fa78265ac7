"""Addresses of the payments' part of the API."""

from django.urls import path

from payments.api import views

urlpatterns = [path("webhooks/stripe", views.StripeWebhookView.as_view(), name="api_stripe_webhook")]
