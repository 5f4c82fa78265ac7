"""What `/readyz` asks of the installation itself; apps register checks of their own."""

from django.core.cache import cache
from django.db import connection

from billing_portal.celery import app as celery_app
from core.health import Health


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
