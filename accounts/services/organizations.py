"""Making and changing organizations."""

from django.db import transaction

from accounts import hooks
from accounts.models import Membership, Organization, Role, User
from accounts.names import clean_name


@transaction.atomic
def create_organization(
    *, name: str, email: str, owner: User | None = None, external_id: str | None = None
) -> Organization:
    """A new organization on the free plan, with its first owner if there is one.

    The same `external_id` returns the organization made first, unchanged. Raises InvalidInput for an unusable name.
    """
    organization, created = (
        Organization.objects.get_or_create(external_id=external_id, defaults={"name": clean_name(name), "email": email})
        if external_id is not None
        else (Organization.objects.create(name=clean_name(name), email=email), True)
    )
    if created:
        if owner is not None:
            Membership.objects.create(organization=organization, user=owner, role=Role.OWNER)
        hooks.organization_created(organization)
    return organization


@transaction.atomic
def update_organization(*, organization: Organization, name: str, email: str) -> Organization:
    """Change the name and the address that receipts and notices go to. Raises InvalidInput for an unusable name."""
    organization.name = clean_name(name)
    organization.email = email
    organization.save(update_fields=["name", "email"])
    return organization
