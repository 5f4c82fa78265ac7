"""Make a service key for the product's backend."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.models import ApiKey
from accounts.services.api_keys import create_api_key
from core.errors import InvalidInput


class Command(BaseCommand):
    help = "Makes a service key, which acts for every organization, and prints it once, on the last line."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--name", required=True, help="what uses the key, such as “backend, production”")
        parser.add_argument("--scope", choices=ApiKey.Scope.values, default=ApiKey.Scope.WRITE)

    def handle(self, *, name: str, scope: str, **options: Any) -> None:
        try:
            api_key, secret = create_api_key(name=name, scope=scope)
        except InvalidInput as refusal:
            raise CommandError(refusal.message) from None
        self.stdout.write(f"Made the service key “{api_key.name}” ({api_key.get_scope_display().lower()}).")
        self.stdout.write("Keep it now; it is stored only as a fingerprint and cannot be shown again:")
        self.stdout.write(secret)
