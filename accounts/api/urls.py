"""Addresses of the organizations' part of the API."""

from django.urls import path

from accounts.api import views

urlpatterns = [
    path("organizations", views.OrganizationListView.as_view(), name="api_organizations"),
    path("organizations/<str:organization>", views.OrganizationView.as_view(), name="api_organization"),
]
