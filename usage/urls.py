"""Addresses of the usage pages."""

from django.urls import path

from usage.views import usage

app_name = "usage"
urlpatterns = [
    path("o/<str:org_id>/usage/", usage.overview, name="overview"),
    path("o/<str:org_id>/usage/<slug:code>/", usage.meter, name="meter"),
    path("o/<str:org_id>/usage/<slug:code>/usage.csv", usage.download, name="csv"),
]
