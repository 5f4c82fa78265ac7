"""Where the link of an invitation leads."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache

from accounts.invitation_links import invitation_behind, remember_invitation
from accounts.models import Invitation, User
from accounts.services.invitations import accept_invitation, is_for
from core.refusals import refusal_as_message


@never_cache
def invitation(request: HttpRequest, token: str) -> HttpResponse:
    """Accept (POST), or say what can be done with this link by whoever opened it."""
    found = invitation_behind(token)
    if found is None:
        raise Http404("This is not a link of ours. Open it from the email again, or ask for a new invitation.")
    if request.method == "POST" and isinstance(request.user, User):
        with refusal_as_message(request):
            membership = accept_invitation(invitation=found, user=request.user, now=timezone.now())
            messages.success(request, f"Welcome to {membership.organization}.")
            return redirect(membership.organization)
        return redirect("accounts:invitation", token=token)
    state = _state(request, found)
    if state == "signed_out":
        remember_invitation(request, found)
    status = 200 if state in {"welcome", "signed_out", "other_address"} else 410
    return render(request, f"accounts/invitation_{state}.html", {"invitation": found, "token": token}, status=status)


def _state(request: HttpRequest, found: Invitation) -> str:
    if found.accepted_at is not None:
        return "used"
    if found.revoked_at is not None:
        return "withdrawn"
    if found.is_expired(at=timezone.now()):
        return "expired"
    if not isinstance(request.user, User):
        return "signed_out"
    return "welcome" if is_for(found, request.user) else "other_address"
