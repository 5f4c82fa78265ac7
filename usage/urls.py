"""Addresses of the usage pages."""

from django.urls import path

from usage import views

app_name = "usage"
urlpatterns = [
    path("o/<str:org_id>/usage/", views.overview, name="overview"),
    path("o/<str:org_id>/usage/<slug:code>/", views.meter, name="meter"),
    path("o/<str:org_id>/usage/<slug:code>/usage.csv", views.download, name="csv"),
]
