"""What a key's scope and kind allow."""

from typing import TYPE_CHECKING

from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from accounts.api.authentication import key_of
from accounts.models import ApiKey

if TYPE_CHECKING:
    from rest_framework.views import APIView  # it imports this module, which the settings name


class ScopeAllows(BasePermission):
    """Every request needs a key; all but GET need one that may write."""

    message = "This key may only read. Use one with the scope “read and write”."

    def has_permission(self, request: Request, view: "APIView") -> bool:
        return request.auth is not None and (request.method in SAFE_METHODS or key_of(request).may_write)


class ServiceKeyOnly(ScopeAllows):
    """For what only the product's backend may do: the staff's service keys pass, organizations' own keys do not."""

    message = "This needs a service key that may write; an organization's own key cannot do it."

    def has_permission(self, request: Request, view: "APIView") -> bool:
        return super().has_permission(request, view) and key_of(request).kind == ApiKey.Kind.SERVICE
