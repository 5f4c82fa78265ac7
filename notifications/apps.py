from django.apps import AppConfig


class NotificationsConfig(AppConfig):
    name = "notifications"

    def ready(self) -> None:
        from accounts import navigation
        from accounts.permissions import Permission
        from notifications import registry

        navigation.register("Notifications", "notifications:preferences", 80, Permission.MANAGE_ORGANIZATION)
        registry.register(registry.TEST_PING)
