"""How django-allauth is bent to the portal, and how a sign-up remembers the invitation it came from."""

from allauth.account.adapter import DefaultAccountAdapter, get_adapter
from django.http import HttpRequest
from django.utils import timezone

from accounts.models import Invitation

INVITATION_IN_SESSION = "invitation"


class AccountAdapter(DefaultAccountAdapter):
    """Email only; the rest is allauth's."""


def remember_invitation(request: HttpRequest, invitation: Invitation) -> None:
    """The visitor followed the link: a sign-up from here joins the organization and needs no other proof of address."""
    request.session[INVITATION_IN_SESSION] = invitation.public_id
    get_adapter(request).stash_verified_email(request, invitation.email)


def remembered_invitation(request: HttpRequest) -> Invitation | None:
    """The invitation of this session, if it can still be accepted."""
    public_id = request.session.get(INVITATION_IN_SESSION)
    invitation = Invitation.objects.open().select_related("organization").filter(public_id=public_id).first()
    return invitation if invitation and not invitation.is_expired(at=timezone.now()) else None
