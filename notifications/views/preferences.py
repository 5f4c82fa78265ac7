"""Which emails an organization gets, and stopping one kind from a link in it."""

from django.contrib import messages
from django.core import signing
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from accounts.models import Organization
from accounts.permissions import Permission
from accounts.scoping import OrganizationRequest, organization_page
from notifications import event_types
from notifications.emails.recipients import recipients
from notifications.emails.rendering import UNSUBSCRIBE_SALT
from notifications.forms import PreferencesForm
from notifications.services.preferences import set_preferences, switch_off, wanted_codes


@require_http_methods(["GET", "HEAD", "POST"])
@organization_page(Permission.MANAGE_ORGANIZATION)
def preferences(request: OrganizationRequest) -> HttpResponse:
    organization = request.organization
    form = PreferencesForm(
        request.POST if request.method == "POST" else None, wanted=wanted_codes(organization=organization)
    )
    if request.method == "POST" and form.is_valid():
        set_preferences(organization=organization, wanted=form.wanted())
        messages.success(request, "Saved. The next emails follow this choice.")
        return redirect("notifications:preferences", org_id=organization.public_id)
    context = {
        "form": form,
        "always": [
            event_type for event_type in event_types.all_types() if event_type.email and not event_type.optional
        ],
        "recipients": recipients(organization=organization, audience=event_types.DEFAULT_AUDIENCE),
    }
    return render(request, "notifications/preferences.html", context)


@csrf_exempt  # mail programs post here without a page of ours (RFC 8058); the signed token is the permission
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def unsubscribe(request: HttpRequest, token: str) -> HttpResponse:
    try:
        organization_pk, code = signing.loads(token, salt=UNSUBSCRIBE_SALT)
    except signing.BadSignature:
        raise Http404("This link is incomplete. Copy it whole from the email.") from None
    organization = get_object_or_404(Organization, pk=organization_pk)
    event_type = event_types.find(code)
    if event_type is None or not event_type.optional:
        raise Http404("These emails no longer exist.")
    if request.method == "POST":
        switch_off(organization=organization, code=code)
    context = {"subject": organization, "event_type": event_type, "done": request.method == "POST"}
    return render(request, "notifications/unsubscribe.html", context)
