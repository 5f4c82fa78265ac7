"""Lets ``manage.py stripe_sandbox`` be found. The sandbox itself needs no Django."""

from django.apps import AppConfig


class StripeSandboxConfig(AppConfig):
    """The sandbox has no models, no URLs and no signals: only a management command."""

    name = "stripe_sandbox"
    verbose_name = "Stripe sandbox"
