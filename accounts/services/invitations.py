"""Bringing people into an organization by email."""

from datetime import datetime, timedelta

from allauth.account.models import EmailAddress
from django.db import transaction

from accounts.errors import InvitationClosed
from accounts.models import Invitation, Membership, Organization, Role, User
from accounts.models.invitation import VALID_FOR
from accounts.tasks import send_invitation
from core.errors import Conflict, InvalidInput, NotAllowed, RuleRefused
from core.locks import for_update

MOST_OPEN = 100
"""An organization's open invitations: nobody sends bulk mail through us."""
RESEND_AFTER = timedelta(minutes=1)


@transaction.atomic
def invite(*, organization: Organization, email: str, role: str, invited_by: User, now: datetime) -> Invitation:
    """Invite an address; the email goes out on commit and works for seven days.

    Raises Conflict for a member or somebody already invited, RuleRefused beyond 100 open invitations.
    """
    if role not in Role.values:
        raise InvalidInput("The role is owner, billing admin or member.", field="role")
    email = email.strip().lower()
    for_update(Organization.objects.filter(pk=organization.pk)).get()
    if organization.memberships.filter(user__email=email).exists():
        raise Conflict(f"{email} is a member already.", code="already_member")
    open_invitations = organization.invitations.open()
    if open_invitations.filter(email=email).exists():
        raise Conflict(f"{email} is invited already. Send that invitation again instead.", code="already_invited")
    if open_invitations.count() >= MOST_OPEN:
        raise RuleRefused(
            f"There are {MOST_OPEN} open invitations. Withdraw some before sending more.", code="too_many_invitations"
        )
    invitation = Invitation.objects.create(
        organization=organization,
        email=email,
        role=role,
        invited_by=invited_by,
        created_at=now,
        sent_at=now,
        expires_at=now + VALID_FOR,
    )
    _send_on_commit(invitation)
    return invitation


@transaction.atomic
def resend_invitation(*, invitation: Invitation, now: datetime) -> Invitation:
    """Send it once more, good for another seven days. Raises InvitationClosed, or RuleRefused within a minute."""
    invitation = _lock(invitation)
    _require_open(invitation)
    if now - invitation.sent_at < RESEND_AFTER:
        raise RuleRefused("It was sent a moment ago. Wait a minute before sending it again.", code="sent_just_now")
    invitation.sent_at, invitation.expires_at = now, now + VALID_FOR
    invitation.save(update_fields=["sent_at", "expires_at"])
    _send_on_commit(invitation)
    return invitation


@transaction.atomic
def revoke_invitation(*, invitation: Invitation, now: datetime) -> Invitation:
    """Its link stops working. Raises InvitationClosed when it was used already; repeating is harmless."""
    invitation = _lock(invitation)
    if invitation.revoked_at is None:
        _require_open(invitation)
        invitation.revoked_at = now
        invitation.save(update_fields=["revoked_at"])
    return invitation


@transaction.atomic
def accept_invitation(*, invitation: Invitation, user: User, now: datetime) -> Membership:
    """Join with the role that was offered; who is a member already keeps the role they have.

    Raises InvitationClosed, or NotAllowed when it was sent to another address than the user's.
    """
    invitation = _lock(invitation)
    _require_open(invitation)
    if invitation.is_expired(at=now):
        raise InvitationClosed("This invitation has expired. Ask for a new one.", code="invitation_expired")
    if not is_for(invitation, user):
        raise NotAllowed(f"This invitation was sent to {invitation.email}.", code="invitation_for_another_address")
    membership, _ = Membership.objects.get_or_create(
        organization=invitation.organization, user=user, defaults={"role": invitation.role}
    )
    invitation.accepted_at, invitation.accepted_by = now, user
    invitation.save(update_fields=["accepted_at", "accepted_by"])
    user.last_organization = invitation.organization
    user.save(update_fields=["last_organization"])
    return membership


def is_for(invitation: Invitation, user: User) -> bool:
    """Whether the address is one of the user's. Holding the link proves that they read its mail, confirmed or not."""
    return user.email == invitation.email or EmailAddress.objects.filter(user=user, email=invitation.email).exists()


def _lock(invitation: Invitation) -> Invitation:
    return for_update(Invitation.objects.filter(pk=invitation.pk), of=("self",)).select_related("organization").get()


def _require_open(invitation: Invitation) -> None:
    if invitation.accepted_at is not None:
        raise InvitationClosed("This invitation was used already.", code="invitation_used")
    if invitation.revoked_at is not None:
        raise InvitationClosed("This invitation was withdrawn.", code="invitation_withdrawn")


def _send_on_commit(invitation: Invitation) -> None:
    transaction.on_commit(lambda: send_invitation.apply_async((invitation.pk,), queue="mail"))
