"""Addresses of the notification pages."""

from django.urls import path

from notifications import views

app_name = "notifications"
urlpatterns = [
    path("o/<str:org_id>/notifications/", views.preferences, name="preferences"),
    path("notifications/unsubscribe/<str:token>/", views.unsubscribe, name="unsubscribe"),
    path("demo/mail/", views.mailbox, name="mailbox"),
    path("demo/mail/<str:public_id>/", views.mailbox_message, name="mailbox_message"),
    path("demo/mail/<str:public_id>/html/", views.mailbox_html, name="mailbox_html"),
]
