"""The Celery application. What runs when is in `billing_portal/schedule.py`."""

import logging.config
import os
from typing import Any

from celery import Celery
from celery.signals import setup_logging, worker_ready
from django.conf import settings
from django_structlog.celery.steps import DjangoStructLogInitStep

from billing_portal.memory import keep_what_is_loaded
from billing_portal.schedule import BEAT_SCHEDULE

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "billing_portal.settings")

app = Celery("billing_portal")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.conf.beat_schedule = BEAT_SCHEDULE
app.steps["worker"].add(DjangoStructLogInitStep)
app.autodiscover_tasks()


@setup_logging.connect
def log_as_django_does(**kwargs: Any) -> None:
    """Connecting this signal keeps Celery from setting up logs of its own."""
    logging.config.dictConfig(settings.LOGGING)


@worker_ready.connect
def settle_down(**kwargs: Any) -> None:
    keep_what_is_loaded()
