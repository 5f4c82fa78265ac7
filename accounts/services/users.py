"""What people change about themselves."""

from accounts.models import User
from accounts.names import clean_name


def rename_user(*, user: User, name: str) -> User:
    """Change how others see this person; an empty name shows the email address instead."""
    user.name = clean_name(name) if name.strip() else ""
    user.save(update_fields=["name"])
    return user
