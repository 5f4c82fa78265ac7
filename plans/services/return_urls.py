"""Where a customer may be sent back to after paying: to the portal, and to origins that the operator allowed."""

from urllib.parse import urlsplit

from django.conf import settings

from core.errors import InvalidInput


def require_allowed(url: str, *, field: str) -> str:
    """The address itself. Raises InvalidInput when it lies elsewhere: nobody's checkout leads to a stranger's page."""
    if _origin(url) not in {_origin(allowed) for allowed in allowed_origins()}:
        raise InvalidInput(
            f"{field} must lie under the portal's address or an origin listed in CHECKOUT_ALLOWED_ORIGINS.", field=field
        )
    return url


def allowed_origins() -> list[str]:
    """The portal's own, and those that the operator allowed."""
    return [settings.PORTAL_URL, *(origin.rstrip("/") for origin in settings.CHECKOUT_ALLOWED_ORIGINS)]


def _origin(url: str) -> tuple[str, str, int | None]:
    """Scheme, host and port; what carries a name and password, or an impossible port, is nobody's origin."""
    nobodys = ("", url, None)
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return nobodys
    if parts.username is not None or parts.password is not None or parts.scheme not in ("http", "https"):
        return nobodys
    default = {"http": 80, "https": 443}[parts.scheme]
    return (parts.scheme, (parts.hostname or "").lower(), port or default)
