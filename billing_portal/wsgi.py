"""WSGI entry point."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "billing_portal.settings")

application = get_wsgi_application()

from payments.account import refuse_wrong_account  # noqa: E402  apps are ready only now

refuse_wrong_account()
