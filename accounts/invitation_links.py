"""The link in an invitation: its public id and our signature, so that only who got the email can open it."""

from django.conf import settings
from django.core.signing import BadSignature, Signer
from django.urls import reverse

from accounts.models import Invitation

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
