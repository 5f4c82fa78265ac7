"""The link in an invitation, and how a sign-up remembers whose link it came from.

The link is the invitation's public id and our signature, so that only who got the email can open it.
"""

from allauth.account.adapter import get_adapter
from django.conf import settings
from django.core.signing import BadSignature, Signer
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from accounts.models import Invitation

INVITATION_IN_SESSION = "invitation"
_signer = Signer(salt="accounts.invitation")


def link_for(invitation: Invitation) -> str:
    """The absolute address that the email carries."""
    token = _signer.sign(invitation.public_id)
    return settings.PORTAL_URL + reverse("accounts:invitation", kwargs={"token": token})


def invitation_behind(token: str) -> Invitation | None:
    """The invitation of a link, whatever became of it, or None when the link is not ours."""
    try:
        public_id = _signer.unsign(token)
    except BadSignature:
        return None
    return Invitation.objects.select_related("organization", "invited_by").filter(public_id=public_id).first()


def remember_invitation(request: HttpRequest, invitation: Invitation) -> None:
    """The visitor followed the link: a sign-up from here joins the organization and needs no other proof of address."""
    request.session[INVITATION_IN_SESSION] = invitation.public_id
    get_adapter(request).stash_verified_email(request, invitation.email)


def remembered_invitation(request: HttpRequest) -> Invitation | None:
    """The invitation of this session, if it can still be accepted."""
    public_id = request.session.get(INVITATION_IN_SESSION)
    invitation = Invitation.objects.open().select_related("organization").filter(public_id=public_id).first()
    return invitation if invitation and not invitation.is_expired(at=timezone.now()) else None
