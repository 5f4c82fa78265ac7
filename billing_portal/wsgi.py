"""WSGI entry point."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "billing_portal.settings")

application = get_wsgi_application()

# Apps are ready only now.
from billing_portal.memory import keep_what_is_loaded  # noqa: E402
from payments.services.stripe_account import refuse_wrong_account  # noqa: E402

refuse_wrong_account()
keep_what_is_loaded()
