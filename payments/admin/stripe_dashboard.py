"""Where staff can look at an object: Stripe's dashboard, or the sandbox's."""

from urllib.parse import urlencode

from django.conf import settings
from django.utils.html import format_html


def dashboard_url(stripe_id: str) -> str:
    if settings.STRIPE_SANDBOX:
        return f"{settings.STRIPE_SANDBOX_URL}/_sandbox/"
    mode = "" if settings.STRIPE_LIVE_MODE else "test/"
    return f"https://dashboard.stripe.com/{mode}search?{urlencode({'query': stripe_id})}"


def dashboard_link(stripe_id: str | None) -> str:
    """The id, leading there; a dash for none."""
    if not stripe_id:
        return "–"
    return format_html('<a href="{}" rel="noreferrer">{}</a>', dashboard_url(stripe_id), stripe_id)
