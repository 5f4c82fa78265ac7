"""The portal as in production, with one address more: what an empty view costs."""

from billing_portal.settings import *  # noqa: F403

ROOT_URLCONF = "bench.urls"
API_RATE_PER_MINUTE = 60_000_000
CELERY_TASK_ALWAYS_EAGER = False
CELERY_BROKER_URL = "memory://"
CELERY_BROKER_TRANSPORT = ""
CELERY_BROKER_TRANSPORT_OPTIONS = {}
