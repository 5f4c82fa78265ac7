"""The demo's mailbox: every email of the portal, on a page."""

import functools
from collections.abc import Callable
from typing import Concatenate, ParamSpec

from csp.constants import NONE, SELF, UNSAFE_INLINE
from csp.decorators import csp, csp_update
from django.conf import settings
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.cache import never_cache
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_safe

from notifications.models import MailboxMessage

MESSAGES_PER_PAGE = 50
P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponse]


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
