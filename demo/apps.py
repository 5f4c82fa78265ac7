from django.apps import AppConfig


class DemoConfig(AppConfig):
    """The demo has no models and no pages: only its management commands."""

    name = "demo"
