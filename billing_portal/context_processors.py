"""What every page knows of the installation."""

from django.conf import settings
from django.http import HttpRequest


def portal(request: HttpRequest) -> dict[str, object]:
    return {"product_name": settings.PORTAL_NAME, "demo": settings.DEMO}
