from django.apps import AppConfig


class NotificationsConfig(AppConfig):
    name = "notifications"
    back_office_order = 60

    def ready(self) -> None:
        from accounts.permissions import Permission
        from core import navigation
        from notifications import event_types

        navigation.register("Notifications", "notifications:preferences", 80, Permission.MANAGE_ORGANIZATION)
        event_types.register(event_types.TEST_PING)
