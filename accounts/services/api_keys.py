"""Making and revoking API keys."""

from datetime import datetime
from typing import NamedTuple

from django.utils import timezone

from accounts.models import ApiKey, Organization, User
from accounts.models.api_key import SHOWN_LENGTH, hash_secret, new_secret
from accounts.names import clean_name
from core.errors import InvalidInput


class NewApiKey(NamedTuple):
    """The stored key and its text, which exists only here: show it now or never."""

    api_key: ApiKey
    secret: str


def create_api_key(
    *,
    name: str,
    organization: Organization | None = None,
    scope: str = ApiKey.Scope.WRITE,
    created_by: User | None = None,
) -> NewApiKey:
    """A key of `organization`, or a service key when there is none. Raises InvalidInput for an unusable name."""
    name = clean_name(name)
    if scope not in ApiKey.Scope.values:
        raise InvalidInput("The scope is read or write.", field="scope")
    kind = ApiKey.Kind.SERVICE if organization is None else ApiKey.Kind.ORGANIZATION
    secret = new_secret(kind)
    api_key = ApiKey.objects.create(
        kind=kind,
        organization=organization,
        name=name,
        scope=scope,
        prefix=secret[:SHOWN_LENGTH],
        key_hash=hash_secret(secret),
        created_by=created_by,
    )
    return NewApiKey(api_key, secret)


def revoke_api_key(*, api_key: ApiKey, now: datetime | None = None) -> ApiKey:
    """The key stops working at once. Repeating keeps the first time."""
    ApiKey.objects.live().filter(pk=api_key.pk).update(revoked_at=now or timezone.now())
    api_key.refresh_from_db(fields=["revoked_at"])
    return api_key
