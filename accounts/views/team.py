"""The team page: who belongs to the organization, who is invited, and changes to both."""

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from accounts.forms import InvitationForm, RoleForm
from accounts.permissions import Permission
from accounts.scoping import OrganizationRequest, organization_page
from accounts.services.invitations import invite, resend_invitation, revoke_invitation
from accounts.services.memberships import change_role, remove_member
from core.refusals import refusal_as_message


@require_GET
@organization_page(Permission.VIEW)
def team(request: OrganizationRequest) -> HttpResponse:
    return _page(request, InvitationForm())


@require_POST
@organization_page(Permission.MANAGE_TEAM)
def send_invitation(request: OrganizationRequest) -> HttpResponse:
    form = InvitationForm(request.POST)
    if not form.is_valid():
        return _page(request, form, status=400)
    with refusal_as_message(request):
        invitation = invite(
            organization=request.organization, invited_by=request.user, now=timezone.now(), **form.cleaned_data
        )
        messages.success(request, f"An invitation is on its way to {invitation.email}.")
    return _back(request)


@require_POST
@organization_page(Permission.MANAGE_TEAM)
def resend(request: OrganizationRequest, invitation_id: str) -> HttpResponse:
    invitation = get_object_or_404(request.organization.invitations, public_id=invitation_id)
    with refusal_as_message(request):
        resend_invitation(invitation=invitation, now=timezone.now())
        messages.success(request, f"The invitation is on its way to {invitation.email} again.")
    return _back(request)


@require_POST
@organization_page(Permission.MANAGE_TEAM)
def revoke(request: OrganizationRequest, invitation_id: str) -> HttpResponse:
    invitation = get_object_or_404(request.organization.invitations, public_id=invitation_id)
    with refusal_as_message(request):
        revoke_invitation(invitation=invitation, now=timezone.now())
        messages.success(request, f"The invitation of {invitation.email} was withdrawn.")
    return _back(request)


@require_POST
@organization_page(Permission.MANAGE_TEAM)
def set_role(request: OrganizationRequest, membership_id: str) -> HttpResponse:
    membership = get_object_or_404(request.organization.memberships, public_id=membership_id)
    form = RoleForm(request.POST)
    with refusal_as_message(request):
        changed = change_role(membership=membership, role=form.data.get("role", ""))
        messages.success(request, f"{changed.user.get_full_name()} is now {changed.get_role_display().lower()}.")
    return _back(request)


@organization_page(Permission.MANAGE_TEAM)
def remove(request: OrganizationRequest, membership_id: str) -> HttpResponse:
    membership = get_object_or_404(request.organization.memberships.select_related("user"), public_id=membership_id)
    if request.method != "POST":
        return render(request, "accounts/member_remove.html", {"member": membership})
    with refusal_as_message(request):
        user = remove_member(membership=membership)
        messages.success(request, f"{user.get_full_name()} no longer belongs to {request.organization}.")
        if user == request.user:
            return redirect("home")
    return _back(request)


@organization_page(Permission.VIEW)
def leave(request: OrganizationRequest) -> HttpResponse:
    if request.method != "POST":
        return render(request, "accounts/leave.html")
    with refusal_as_message(request):
        remove_member(membership=request.membership)
        messages.success(request, f"You left {request.organization}.")
        return redirect("home")
    return _back(request)


def _page(request: OrganizationRequest, form: InvitationForm, status: int = 200) -> HttpResponse:
    members = request.organization.memberships.select_related("user").in_page_order()
    context = {
        "members": [(member, RoleForm(initial={"role": member.role})) for member in members],
        "invitations": request.organization.invitations.open().select_related("invited_by"),
        "form": form,
        "now": timezone.now(),
    }
    return render(request, "accounts/team.html", context, status=status)


def _back(request: OrganizationRequest) -> HttpResponseRedirect:
    return redirect("accounts:team", org_id=request.organization.public_id)
