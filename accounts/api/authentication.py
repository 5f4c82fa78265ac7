"""`Authorization: Bearer <key>`."""

from typing import cast

from django.contrib.auth.models import AnonymousUser
from django.utils import timezone
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from accounts.models import ApiKey


def key_of(request: Request) -> ApiKey:
    """The key a request came with; every view that a permission class guards has one."""
    return cast(ApiKey, request.auth)


class ApiKeyAuthentication(BaseAuthentication):
    """Puts the `ApiKey` into `request.auth`. A revoked key and an unknown one get the same answer."""

    def authenticate(self, request: Request) -> tuple[AnonymousUser, ApiKey] | None:
        scheme, _, secret = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
        if scheme.lower() != "bearer":
            return None
        api_key = ApiKey.objects.authenticate(secret.strip())
        if api_key is None:
            raise AuthenticationFailed("This API key is unknown or was revoked.")
        api_key.touch(now=timezone.now())
        return AnonymousUser(), api_key

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="api"'
