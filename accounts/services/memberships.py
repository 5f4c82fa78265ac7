"""Who belongs to an organization, and in which role. An organization that has an owner always keeps one."""

from django.db import transaction

from accounts.errors import LastOwner
from accounts.models import Membership, Organization, Role, User
from core.errors import InvalidInput, RuleRefused
from core.locks import for_update


@transaction.atomic
def change_role(*, membership: Membership, role: str) -> Membership:
    """Give a member another role. Raises LastOwner when nobody else would own the organization."""
    if role not in Role.values:
        raise InvalidInput("The role is owner, billing admin or member.", field="role")
    membership = _lock(membership)
    if role != Role.OWNER:
        _require_another_owner(membership)
    membership.role = role
    membership.save(update_fields=["role"])
    return membership


@transaction.atomic
def remove_member(*, membership: Membership) -> User:
    """End a membership, one's own or another's. Raises LastOwner when nobody else would own the organization."""
    membership = _lock(membership)
    _require_another_owner(membership)
    membership.delete()
    return membership.user


def _lock(membership: Membership) -> Membership:
    """The membership as it stands, with its organization locked: two owners may be leaving at the same moment."""
    for_update(Organization.objects.filter(pk=membership.organization_id)).get()
    current = Membership.objects.select_related("organization", "user").filter(pk=membership.pk).first()
    if current is None:
        raise RuleRefused("This person is no longer a member.", code="not_a_member")
    return current


def _require_another_owner(membership: Membership) -> None:
    if membership.role != Role.OWNER:
        return
    if not membership.organization.memberships.owners().exclude(pk=membership.pk).exists():
        raise LastOwner(f"{membership.organization} would be left without an owner. Make somebody else an owner first.")
