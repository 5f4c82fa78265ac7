"""The project: settings, addresses, the Celery app and its timetable, the overview page, health checks."""

from billing_portal.celery import app as celery_app

__all__ = ["celery_app"]
