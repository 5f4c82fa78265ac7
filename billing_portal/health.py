"""`/healthz`: this process answers. `/readyz`: what it needs answers too, and nothing was left lying for too long."""

import logging

from django.core.cache import cache
from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from billing_portal.celery import app as celery_app
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


def database() -> Health:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('server_version')")
        return Health(ok=True, detail=f"PostgreSQL {cursor.fetchone()[0].split()[0]} answers")


def cache_answers() -> Health:
    cache.get("readyz")
    return Health(ok=True, detail="answers")


def broker() -> Health:
    with celery_app.connection_for_write() as broker_connection:
        broker_connection.connect()
        return Health(ok=True, detail=f"{broker_connection.transport.driver_name} answers")
