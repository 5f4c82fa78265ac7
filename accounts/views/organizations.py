"""An organization's settings, and making another one."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache

from accounts.forms import OrganizationForm
from accounts.models import User
from accounts.permissions import Permission
from accounts.scoping import OrganizationRequest, organization_page
from accounts.services.organizations import create_organization, update_organization


@organization_page(Permission.MANAGE_ORGANIZATION)
def settings(request: OrganizationRequest) -> HttpResponse:
    organization = request.organization
    form = OrganizationForm(request.POST or None, initial={"name": organization.name, "email": organization.email})
    if request.method == "POST" and form.is_valid():
        update_organization(organization=organization, **form.cleaned_data)
        messages.success(request, "Saved.")
        return redirect("accounts:settings", org_id=organization.public_id)
    return render(request, "accounts/settings.html", {"form": form}, status=400 if form.errors else 200)


@never_cache
@login_required
def create(request: HttpRequest) -> HttpResponse:
    assert isinstance(request.user, User)
    form = OrganizationForm(request.POST or None, initial={"email": request.user.email})
    if request.method == "POST" and form.is_valid():
        organization = create_organization(owner=request.user, **form.cleaned_data)
        messages.success(request, f"{organization} is ready.")
        return redirect(organization)
    return render(request, "accounts/organization_create.html", {"form": form}, status=400 if form.errors else 200)
