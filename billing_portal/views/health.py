"""`/healthz`: this process answers. `/readyz`: what it needs answers too, and nothing was left lying for too long."""

import logging

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from core.health import Health, checks

logger = logging.getLogger(__name__)


@require_safe
@never_cache
def live(request: HttpRequest) -> HttpResponse:
    return HttpResponse("ok\n", content_type="text/plain")


@require_safe
@never_cache
def ready(request: HttpRequest) -> JsonResponse:
    """One line for each registered check; 503 when any of them is not ok."""
    results = {name: _run(name) for name in checks}
    ok = all(health.ok for health in results.values())
    lines = {name: {"ok": health.ok, "detail": health.detail} for name, health in results.items()}
    return JsonResponse({"ok": ok, "checks": lines}, status=200 if ok else 503, json_dumps_params={"indent": 2})


def _run(name: str) -> Health:
    """A check that breaks is a check that failed. The reason goes to the log: the page is public."""
    try:
        return checks[name]()
    except Exception as error:
        logger.warning("Health check %s failed", name, exc_info=True)
        return Health(ok=False, detail=f"failed: {type(error).__name__}; see the log")
