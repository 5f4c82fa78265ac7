"""Addresses of the notification pages."""

from django.urls import path

from notifications.views import mailbox, preferences

app_name = "notifications"
urlpatterns = [
    path("o/<str:org_id>/notifications/", preferences.preferences, name="preferences"),
    path("notifications/unsubscribe/<str:token>/", preferences.unsubscribe, name="unsubscribe"),
    path("demo/mail/", mailbox.mailbox, name="mailbox"),
    path("demo/mail/<str:public_id>/", mailbox.mailbox_message, name="mailbox_message"),
    path("demo/mail/<str:public_id>/html/", mailbox.mailbox_html, name="mailbox_html"),
]
