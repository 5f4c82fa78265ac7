"""An organization's API keys. The text of a key is shown once, in the answer that made it."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone

from accounts.forms import ApiKeyForm
from accounts.permissions import Permission
from accounts.scoping import OrganizationRequest, organization_page
from accounts.services.api_keys import create_api_key, revoke_api_key


@organization_page(Permission.MANAGE_KEYS)
def keys(request: OrganizationRequest) -> HttpResponse:
    form = ApiKeyForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        new = create_api_key(organization=request.organization, created_by=request.user, **form.cleaned_data)
        # Not a redirect: that would have to keep the text somewhere between two requests.
        return render(request, "accounts/key_created.html", {"api_key": new.api_key, "secret": new.secret})
    live = request.organization.api_keys.live().select_related("created_by")
    return render(request, "accounts/keys.html", {"form": form, "keys": live}, status=400 if form.errors else 200)


@organization_page(Permission.MANAGE_KEYS)
def revoke(request: OrganizationRequest, key_id: str) -> HttpResponse:
    api_key = get_object_or_404(request.organization.api_keys, public_id=key_id)
    if request.method != "POST":
        return render(request, "accounts/key_revoke.html", {"api_key": api_key})
    revoke_api_key(api_key=api_key, now=timezone.now())
    messages.success(request, f"“{api_key.name}” was revoked and no longer works.")
    return redirect("accounts:keys", org_id=request.organization.public_id)
