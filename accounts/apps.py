from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "accounts"
    back_office_order = 10
    verbose_name = "People and organizations"

    def ready(self) -> None:
        from accounts.api import schema  # noqa: F401  registers how the keys are described
        from accounts.models import Invitation, Organization
        from accounts.permissions import Permission
        from core import locks, navigation
        from core.locks import Rank

        locks.register(Rank.ORGANIZATION, Organization)
        locks.register(Rank.INVITATION, Invitation)
        navigation.register("Team", "accounts:team", order=60)
        navigation.register("API keys", "accounts:keys", order=70, permission=Permission.MANAGE_KEYS)
        navigation.register("Settings", "accounts:settings", order=90, permission=Permission.MANAGE_ORGANIZATION)
