"""Pages: which emails an organization gets, stopping one kind from a link, and the demo's mailbox."""

import functools
from collections.abc import Callable
from typing import Concatenate, ParamSpec

from csp.constants import NONE, SELF, UNSAFE_INLINE
from csp.decorators import csp, csp_update
from django.conf import settings
from django.contrib import messages
from django.core import signing
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe

from accounts.models import Organization
from accounts.permissions import Permission
from accounts.scoping import OrganizationRequest, organization_page
from notifications import registry
from notifications.forms import PreferencesForm
from notifications.models import MailboxMessage
from notifications.recipients import recipients
from notifications.rendering import UNSUBSCRIBE_SALT
from notifications.services.preferences import set_preferences, switch_off, wanted_codes

MESSAGES_PER_PAGE = 50
P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponse]


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
        "always": [event_type for event_type in registry.all_types() if event_type.email and not event_type.optional],
        "recipients": recipients(organization=organization, audience=registry.DEFAULT_AUDIENCE),
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
    event_type = registry.find(code)
    if event_type is None or not event_type.optional:
        raise Http404("These emails no longer exist.")
    if request.method == "POST":
        switch_off(organization=organization, code=code)
    context = {"subject": organization, "event_type": event_type, "done": request.method == "POST"}
    return render(request, "notifications/unsubscribe.html", context)


def demo_only(view: View[P]) -> View[P]:
    """Nobody else's mail is to be read on a page without a sign-in."""

    @never_cache
    @require_safe
    @functools.wraps(view)
    def guarded(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        if not settings.DEMO:
            raise Http404("There is a mailbox only in the demo.")
        return view(request, *args, **kwargs)

    return guarded


@demo_only
def mailbox(request: HttpRequest) -> HttpResponse:
    page = Paginator(MailboxMessage.objects.all(), MESSAGES_PER_PAGE).get_page(request.GET.get("page"))
    return render(request, "notifications/mailbox.html", {"page": page})


@csp_update({"frame-src": [SELF]})  # type: ignore[arg-type]  # django-csp types views as taking no arguments
@demo_only
def mailbox_message(request: HttpRequest, public_id: str) -> HttpResponse:
    message = get_object_or_404(MailboxMessage, public_id=public_id)
    return render(request, "notifications/mailbox_message.html", {"message": message})


@csp(  # type: ignore[arg-type]  # as above
    {
        "default-src": [NONE],
        "style-src": [UNSAFE_INLINE],
        "img-src": ["data:"],
        "base-uri": [NONE],
        "form-action": [NONE],
        "frame-ancestors": [SELF],
        "sandbox": ["allow-popups", "allow-popups-to-escape-sandbox"],
    }
)
@xframe_options_sameorigin
@demo_only
def mailbox_html(request: HttpRequest, public_id: str) -> HttpResponse:
    """The HTML of one message, for a sandboxed frame; its links open outside of it."""
    message = get_object_or_404(MailboxMessage.objects.exclude(html=""), public_id=public_id)
    return HttpResponse(message.html.replace("<head>", '<head><base target="_blank">', 1))
