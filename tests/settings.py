"""The portal's settings for the test suite: the database and Redis of the environment, and nothing else of it."""

import os

# A developer's `.env` must not reach the tests: what is set here wins over it.
os.environ |= {
    "DEBUG": "1",
    "DEMO": "0",
    "PORTAL_URL": "http://127.0.0.1:8000",
    "ALLOWED_HOSTS": "*",
    "STRIPE_SECRET_KEY": "",
    "STRIPE_SANDBOX_URL": "http://127.0.0.1:12111",
    "STRIPE_WEBHOOK_SECRET": "",
    "EMAIL_URL": "memorymail://",
    "LOG_LEVEL": "WARNING",
}

from billing_portal.settings import *  # noqa: F403

# A test database need not survive a power cut.
DATABASES["default"].setdefault("OPTIONS", {})["options"] = "-c synchronous_commit=off"  # noqa: F405

# Cheap passwords and a cache of the process: nothing that a test would want to be real.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
# Look for a static file when it is asked for. WhiteNoise would list them all for every client that a test makes.
WHITENOISE_AUTOREFRESH = True
