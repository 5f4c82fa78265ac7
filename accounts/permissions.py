"""What each role may do in an organization: one table, asked by pages, navigation and templates alike."""

import enum

from accounts.models import Role


class Permission(enum.Enum):
    """The value completes the sentence "You may not …"."""

    VIEW = "see this organization"
    BUY = "buy credits or redeem gift cards"
    MANAGE_PLAN = "change the plan"
    MANAGE_TEAM = "invite people or change roles"
    MANAGE_KEYS = "make or revoke API keys"
    MANAGE_ORGANIZATION = "change the organization's settings"


ALLOWED: dict[str, frozenset[Permission]] = {
    Role.OWNER: frozenset(Permission),
    Role.BILLING_ADMIN: frozenset(
        {Permission.VIEW, Permission.BUY, Permission.MANAGE_PLAN, Permission.MANAGE_ORGANIZATION}
    ),
    Role.MEMBER: frozenset({Permission.VIEW}),
}


def may(role: str, permission: Permission) -> bool:
    return permission in ALLOWED[role]


def roles_that_may(permission: Permission) -> list[Role]:
    return [role for role in Role if permission in ALLOWED[role]]


def refusal(permission: Permission) -> str:
    """Why a member is turned away, and whom to ask."""
    roles = " or ".join(role.label.lower() for role in roles_that_may(permission))
    return f"Your role in this organization may not {permission.value}. Ask the {roles}."
