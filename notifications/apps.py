from django.apps import AppConfig


class NotificationsConfig(AppConfig):
    name = "notifications"
    back_office_order = 60

    def ready(self) -> None:
        from accounts.permissions import Permission
        from core import locks, navigation
        from core.locks import Rank
        from notifications import event_types
        from notifications.models import Event, SentEmail, WebhookDelivery, WebhookEndpoint

        locks.register(Rank.OUTBOX, Event, SentEmail, WebhookDelivery, WebhookEndpoint)
        navigation.register("Notifications", "notifications:preferences", 80, Permission.MANAGE_ORGANIZATION)
        event_types.register(event_types.TEST_PING)
